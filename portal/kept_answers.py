"""Answers that were given to a call with an ``Idempotency-Key``, for whoever sends the same call again."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final

from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

KEPT_FOR: Final = timedelta(hours=24)


class KeptAnswer(models.Model):
    """One answer, under its caller and the key the caller chose. No secret is kept: what was shown once is left out."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    caller = models.CharField(max_length=400)
    key = models.CharField(max_length=255)
    request = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "portal"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["caller", "key"], name="answer_is_kept_once_per_key"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["created_at"], name="answer_by_age")]

    def __str__(self) -> str:
        return f"{self.status} for {self.caller}"


def sweep() -> int:
    """Delete the answers that nobody can ask for again. Safe to run twice at a time."""
    deleted, _ = KeptAnswer.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    return deleted
