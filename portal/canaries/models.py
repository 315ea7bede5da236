"""The canaries of a partner: whose turn is when, and what came of each exchange that is tried again.

Nothing of a token is kept here: a case names the event of the exchange, which has the claims and never the token.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from uuid_utils.compat import uuid7


class CanaryTurn(models.Model):
    """When the canaries of one partner are tried next, and under which configuration they were last."""

    partner = models.OneToOneField("partners.Partner", models.CASCADE, primary_key=True, related_name="+")
    next_at = models.DateTimeField(db_index=True)
    checked_epoch = models.BigIntegerField(default=0)

    class Meta:
        app_label = "portal"

    def __str__(self) -> str:
        return f"canaries of {self.partner_id}"


class Canary(models.Model):
    """The newest granted exchange of one client for one target, tried again as if it came now."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    partner = models.ForeignKey("partners.Partner", models.CASCADE, related_name="+")
    client = models.CharField(max_length=255)
    target = models.CharField(max_length=1024)
    reference = models.UUIDField(help_text="The audit event of the exchange.")
    granted_at = models.DateTimeField()
    expected = ArrayField(models.CharField(max_length=128), default=list)
    found = models.JSONField(default=dict)
    is_green = models.BooleanField(null=True)
    checked_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "portal"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["partner", "client", "target"], name="canary_is_one_of_client_and_target")
        ]

    def __str__(self) -> str:
        return f"{self.client} for {self.target}"
