"""What is kept about people beside their accounts: who gave which role, links for signing in once, and identities."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7


class RoleGrant(models.Model):
    """That somebody has a portal role from one source. The group of the role holds whoever has a grant of it."""

    class Source(models.TextChoices):
        """Where a role comes from."""

        PERSON = "person"
        DIRECTORY = "directory"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="role_grants")
    role = models.CharField(max_length=40)
    source = models.CharField(max_length=12, choices=Source.choices)
    given_by = models.CharField(max_length=320)
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "role", "source"], name="role_grant_once_from_each_source"),
        ]

    def __str__(self) -> str:
        return f"{self.role} by {self.given_by}"

    @property
    def giver(self) -> str:
        """Who gave it, without the kind of actor they are."""
        return self.given_by.partition(":")[2] or self.given_by


class SignInLink(models.Model):
    """A link that signs one person in once. What it opens with is nowhere but in their mail: this is its digest."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_in_links")
    digest = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"a link until {self.expires_at}"


class Identity(models.Model):
    """Who a person is at the organisation's OpenID provider: issuer and subject, never an e-mail address (rule 146)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    linked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="identity_is_one_person"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
