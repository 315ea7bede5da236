"""What is kept of trying a draft of a mapping: how it ran in shadow, and what its last back-test found.

Both are about one text of a draft, which ``draft_id`` and ``draft_saved_at`` name together: a draft that was written
anew has not been tried.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from uuid_utils.compat import uuid7


class Shadow(models.Model):
    """A draft that runs beside what is in force: each real exchange is tried with it afterwards, with no effect.

    ``reached`` is where in the audit trail it stands: every exchange before it is counted, none after it.
    """

    class End(models.TextChoices):
        """Why it runs no more."""

        STOPPED = "stopped"
        OVER = "over"
        PUBLISHED = "published"
        DROPPED = "dropped"
        REWRITTEN = "rewritten"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    partner = models.ForeignKey("partners.Partner", models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=63)
    version = models.PositiveIntegerField()
    draft_id = models.UUIDField()
    draft_saved_at = models.DateTimeField()
    author = models.CharField(max_length=254)
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end = models.CharField(max_length=12, choices=End.choices, blank=True)
    reached = models.UUIDField()
    last_event = models.UUIDField(null=True)
    tried = models.PositiveBigIntegerField(default=0)
    left_out = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict)

    class Meta:
        app_label = "portal"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["draft_id"], condition=Q(ended_at__isnull=True), name="shadow_runs_once_per_draft"
            ),
            models.CheckConstraint(name="shadow_ends_after_it_starts", condition=Q(ends_at__gt=F("started_at"))),
            models.CheckConstraint(
                name="shadow_that_ended_says_why", condition=Q(ended_at__isnull=True, end="") | ~Q(end="")
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["partner", "name", "-id"], name="shadow_by_mapping"),
            models.Index(fields=["reached"], condition=Q(ended_at__isnull=True), name="shadow_running"),
            models.Index(fields=["ended_at"], name="shadow_by_end"),
        ]

    def __str__(self) -> str:
        return f"shadow of {self.name} version {self.version}"


class DifferentEnd(models.Model):
    """One exchange that would have ended in another way with a draft in force."""

    event_id = models.UUIDField()
    client = models.CharField(max_length=255, blank=True)
    effect = models.CharField(max_length=12)
    before = models.TextField()
    after = models.TextField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.effect} {self.event_id}"


class ShadowDifference(DifferentEnd):
    """One that a shadow found."""

    pk = models.CompositePrimaryKey("shadow_id", "event_id")
    shadow = models.ForeignKey(Shadow, models.CASCADE, related_name="differences", db_index=False)

    class Meta:
        app_label = "portal"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["shadow", "effect", "-event_id"], name="shadow_difference_by_effect")
        ]


class BackTest(models.Model):
    """The figures of the last back-test of a draft: that there was one, how far it went, and what it found."""

    draft_id = models.UUIDField(primary_key=True)
    draft_saved_at = models.DateTimeField()
    author = models.CharField(max_length=254)
    made_at = models.DateTimeField(default=timezone.now)
    since = models.DateTimeField()
    tried = models.PositiveIntegerField()
    left_out = models.PositiveIntegerField(default=0, db_default=0)
    is_whole = models.BooleanField(default=True, db_default=True)
    counts = models.JSONField()

    class Meta:
        app_label = "portal"
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["made_at"], name="back_test_by_age")]

    def __str__(self) -> str:
        return f"back-test of {self.draft_id}"


class BackTestDifference(DifferentEnd):
    """One that a back-test found. Those of the test before are gone when another is made."""

    pk = models.CompositePrimaryKey("back_test_id", "event_id")
    back_test = models.ForeignKey(BackTest, models.CASCADE, related_name="differences", db_index=False)

    class Meta:
        app_label = "portal"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["back_test", "effect", "-event_id"], name="back_test_difference_by_effect")
        ]
