"""What is kept about a partner's own people: whom they are bound to, invitations, and what they propose."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7


class PartnerAdmin(models.Model):
    """That an account is a partner's own admin: of exactly one partner, for good.

    ``domain`` is where they receive mail: once it is proved, the keys of issuers inside it are theirs to change.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="partner_side"
    )
    partner = models.ForeignKey("partners.Partner", models.PROTECT, db_index=False, related_name="+")
    domain = models.CharField(max_length=253)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["partner", "-user"], name="partneradmin_by_partner")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} of {self.partner_id}"


class Invitation(models.Model):
    """A link that lets one person of a partner in, once. What it opens with is in their mail: this is its digest."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    partner = models.ForeignKey("partners.Partner", models.PROTECT, related_name="+")
    email = models.EmailField(max_length=254)
    digest = models.BinaryField(max_length=32, unique=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    expiry_noted_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["partner", "-id"], name="invitation_by_partner"),
            models.Index(
                fields=["expires_at"],
                condition=Q(used_at=None, revoked_at=None, expiry_noted_at=None),
                name="invitation_open_by_end",
            ),
        ]

    def __str__(self) -> str:
        return f"an invitation until {self.expires_at}"


class Proposal(models.Model):
    """A change of a trust that the partner wants and somebody of ours decides about. Decided ones stay, as history."""

    class State(models.TextChoices):
        """``REPLACED``: the partner proposed something else for the same trust meanwhile."""

        WAITING = "waiting"
        APPROVED = "approved"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"
        REPLACED = "replaced"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    partner = models.ForeignKey("partners.Partner", models.PROTECT, related_name="+")
    trust = models.CharField(max_length=63)
    fields = models.JSONField(help_text="The fields of the trust that are to change, as documents write them.")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    decided_by = models.CharField(max_length=320, blank=True)
    decided_at = models.DateTimeField(null=True)
    answer = models.TextField(max_length=2000, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["partner", "-id"], name="proposal_by_partner")]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["partner", "trust"], condition=Q(state="waiting"), name="proposal_waits_once_per_trust"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "approved", "declined", "withdrawn", "replaced"]),
                name="proposal_state_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trust} {self.state}"


class DomainProof(models.Model):
    """That a partner speaks for a domain: when its file was found, at which address, and who asked for the look."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    partner = models.ForeignKey("partners.Partner", models.PROTECT, related_name="+")
    domain = models.CharField(max_length=253)
    address = models.CharField(max_length=320)
    proved_at = models.DateTimeField(default=timezone.now)
    proved_by = models.CharField(max_length=254)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["partner", "domain"], name="domain_is_proved_once_per_partner"),
        ]

    def __str__(self) -> str:
        return f"{self.domain} of {self.partner_id}"
