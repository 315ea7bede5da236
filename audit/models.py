"""The audit trail: events are inserted and read, never changed.

Grants hold that (the application's role may only insert and select), and triggers hold it again for the owner, also
against TRUNCATE. ``Pending`` names the events the sealer has not yet put into the Merkle tree: a queue, so that no
event is missed by reading "everything after the last id" while a slow writer commits.
"""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models

NO_CHANGES: Final = (
    "exchange.granted",
    "exchange.refused",
    "client.authentication_failed",
    "client.failures_counted",
    "client.guessing_noticed",
    "token.introspected",
    "token.revoked",
    "device.requested",
    "device.polled",
    "device.allowed",
    "device.refused",
)
"""The kinds that clients and their users cause. A constant of an index, so a change of it needs a migration."""


class Event(models.Model):
    """One thing that happened. ``canonical`` is its RFC 8785 form, from which everything else is copied for search.

    The table is partitioned by month on ``id``: a UUIDv7, so time order is id order and pages are keyset pages.
    """

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=40)
    outcome = models.CharField(max_length=10, blank=True)
    reason = models.CharField(max_length=60, blank=True)
    partner_id = models.UUIDField(null=True, blank=True)
    client = models.CharField(max_length=255, blank=True)
    target = models.CharField(max_length=1024, blank=True)
    actor = models.CharField(max_length=300, blank=True)
    correlation_id = models.UUIDField()
    canonical = models.TextField()
    mac = models.BinaryField(max_length=32)
    kek_id = models.CharField(max_length=16)
    schema_version = models.PositiveSmallIntegerField(default=1)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["partner_id", "-id"], name="event_by_partner"),
            models.Index(fields=["kind", "-id"], name="event_by_kind"),
            models.Index(fields=["client", "-id"], name="event_by_client"),
            models.Index(fields=["target", "-id"], name="event_by_target"),
            models.Index(fields=["reason", "-id"], name="event_by_reason", condition=~models.Q(reason="")),
            models.Index(fields=["correlation_id"], name="event_by_correlation"),
            models.Index(
                fields=["partner_id", "-id"],
                name="event_changes_by_partner",
                condition=~models.Q(kind__in=NO_CHANGES),
            ),
            models.Index(fields=["-id"], name="event_changes", condition=~models.Q(kind__in=NO_CHANGES)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Pending(models.Model):
    """An event that waits for the sealer."""

    event_id = models.UUIDField(primary_key=True)

    def __str__(self) -> str:
        return str(self.event_id)


class CountedSpan(models.Model):
    """A day or an hour of the trail that was counted (``audit.spans``). Never changed: neither is the trail."""

    pk = models.CompositePrimaryKey("start", "hours")
    start = models.DateTimeField()
    hours = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"{self.start} {self.hours} h"


class UseOfSpan(models.Model):
    """How many exchanges of one partner were granted in a span for one target, or for several at once."""

    pk = models.CompositePrimaryKey("partner_id", "hours", "start", "target")
    start = models.DateTimeField()
    hours = models.PositiveSmallIntegerField()
    partner_id = models.UUIDField()
    target = models.CharField(max_length=1024, blank=True)
    granted = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.start} {self.partner_id} {self.target}"


class OutcomeOfHour(models.Model):
    """How many exchanges of one partner, or of nobody who is known, ended in one way in an hour that was counted."""

    start = models.DateTimeField()
    partner_id = models.UUIDField(null=True, blank=True)
    kind = models.CharField(max_length=40)
    reason = models.CharField(max_length=60, blank=True)
    count = models.PositiveIntegerField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["start"], name="outcome_by_hour"),
            models.Index(fields=["partner_id", "start"], name="outcome_by_partner"),
        ]

    def __str__(self) -> str:
        return f"{self.start} {self.kind} {self.reason}"
