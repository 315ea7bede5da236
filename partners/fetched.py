"""What became of fetching a key set: the columns of ``KeySource`` that the refresher writes."""

from __future__ import annotations

from django.db import models


class Fetched(models.Model):
    """The last fetch, the next one, and what waits for an admin's word. Empty for uploaded keys."""

    etag = models.CharField(max_length=255, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    next_fetch_at = models.DateTimeField(null=True, blank=True, db_index=True)
    usable_until = models.DateTimeField(
        null=True, blank=True, help_text="Keys are refused after this (stale-if-error)."
    )
    failures = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="When the last fetch began, in any process.")
    answered_at = models.DateTimeField(null=True, blank=True, help_text="When the last fetch ended, well or not.")
    left_out = models.JSONField(default=list, blank=True, help_text="Published keys that were not taken, and why.")
    pending_jwks = models.JSONField(default=dict, blank=True, help_text="A key set that waits for confirmation.")
    pending_since = models.DateTimeField(null=True, blank=True)
    pending_jwks_uri = models.CharField(max_length=512, blank=True, help_text="Another address that waits likewise.")

    class Meta:
        abstract = True
