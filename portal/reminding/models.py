"""Reminders as rows: what was said to whom about which end, in one letter a day and person.

The rows are the outbox: a letter and what it says are written in one transaction, and each is claimed before it is
sent. The uniqueness of a reminder is what makes it one, whatever the number of workers.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7


class Audience(models.TextChoices):
    """Whom a letter speaks to: the partner's own people, or ours who answer for the partner."""

    CONTACT = "contact"
    OWNER = "owner"


class ReminderLetter(models.Model):
    """One letter to one person on one day. Claimed and not sent: whether it left is not known; never sent again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField()
    audience = models.CharField(max_length=8, choices=Audience.choices)
    day = models.DateField()
    next_try_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        app_label = "portal"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["day", "email", "audience"], name="reminder_letter_is_one_a_day"),
            models.CheckConstraint(
                name="reminder_letter_audience_is_known", condition=Q(audience__in=["contact", "owner"])
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_try_at", "id"],
                name="reminder_letter_by_next_try",
                condition=Q(claimed_at=None, next_try_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} to {self.email}"


class Reminder(models.Model):
    """That somebody is told of one end at one threshold. The words are kept as they were, for the letter."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    letter = models.ForeignKey(ReminderLetter, models.CASCADE, related_name="reminders")
    thing = models.CharField(max_length=60)
    kind = models.CharField(max_length=10)
    threshold = models.PositiveSmallIntegerField()
    ends_on = models.DateField()
    ends_at = models.DateTimeField()
    email = models.EmailField()
    audience = models.CharField(max_length=8)
    partner_id = models.UUIDField()
    partner_slug = models.CharField(max_length=63)
    partner_name = models.CharField(max_length=120)
    subject = models.CharField(max_length=512, blank=True)

    class Meta:
        app_label = "portal"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["thing", "ends_on", "threshold", "email", "audience"], name="reminder_is_one_of_its_threshold"
            )
        ]

    def __str__(self) -> str:
        return f"{self.thing} ends on {self.ends_on}"
