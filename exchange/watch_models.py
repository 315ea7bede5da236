"""What is watched of a trust: its issuer's published documents, its keys' first and last day, and the alerts.

One row per trust in use carries the last picture (RFC 8414, RFC 7517) and when the next look is due; taking it moves
that instant on, so no two workers look at once. Nothing here decides anything about a token: keys come by
``exchange.jwks`` alone.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7


class TrustWatch(models.Model):
    """The last picture of one trust's issuer. Empty until it was looked at; of uploaded keys there is none."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    trust = models.OneToOneField("partners.FederationTrust", models.CASCADE, related_name="+")
    partner = models.ForeignKey("partners.Partner", models.CASCADE, related_name="+")
    next_at = models.DateTimeField(db_index=True)
    asked_at = models.DateTimeField(null=True, help_text="The last look that a person asked for.")
    seen_at = models.DateTimeField(null=True, help_text="The last look that brought a whole picture.")
    failing_since = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    location = models.CharField(max_length=512, blank=True, help_text="What was looked at.")
    jwks_uri = models.CharField(max_length=512, blank=True)
    token_endpoint = models.CharField(max_length=512, blank=True)
    advertised = ArrayField(models.CharField(max_length=40), default=list)
    certificate_ends_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "exchange"

    def __str__(self) -> str:
        return f"watch of {self.trust_id}"


class SeenKey(models.Model):
    """One key that an issuer publishes or published, by its thumbprint (RFC 7638)."""

    watch = models.ForeignKey(TrustWatch, models.CASCADE, related_name="keys")
    thumbprint = models.CharField(max_length=64)
    kid = models.CharField(max_length=255, blank=True)
    kind = models.CharField(max_length=40)
    strength = models.PositiveSmallIntegerField(help_text="Bits of security (NIST SP 800-57, table 2).")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "exchange"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["watch", "thumbprint"], name="seen_key_is_one_of_its_watch")
        ]

    def __str__(self) -> str:
        return self.kid or self.thumbprint


class Looked(models.Model):
    """Looks at one issuer that came to the same, one after the other: from when to when, and how many."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    watch = models.ForeignKey(TrustWatch, models.CASCADE, related_name="looks")
    is_whole = models.BooleanField()
    detail = models.CharField(max_length=300, blank=True)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        app_label = "exchange"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["watch", "-last_at"], name="looked_by_watch"),
            models.Index(fields=["last_at"], name="looked_by_age"),
        ]

    def __str__(self) -> str:
        return self.detail or "whole"


class Alert(models.Model):
    """Something about a partner that somebody should know. Open until it is over, or acknowledged where it just was.

    ``trust`` is None for what concerns the whole partner.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    partner = models.ForeignKey("partners.Partner", models.CASCADE, related_name="+")
    trust = models.ForeignKey("partners.FederationTrust", models.CASCADE, null=True, related_name="+")
    kind = models.CharField(max_length=30)
    subject = models.CharField(max_length=512, blank=True)
    detail = models.JSONField(default=dict)
    raised_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=254, blank=True)

    class Meta:
        app_label = "exchange"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["partner", "trust", "kind", "subject"],
                condition=Q(ended_at=None),
                name="alert_is_open_once",
                nulls_distinct=False,
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["partner", "-id"], name="alert_by_partner"),
            models.Index(fields=["-id"], name="alert_that_is_new", condition=Q(ended_at=None, acknowledged_at=None)),
            models.Index(fields=["ended_at"], name="alert_by_end", condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
