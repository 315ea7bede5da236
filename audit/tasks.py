"""What the worker does for the audit trail: months ahead of time, the counts of what is over, and the end of those.

An event is written, and found, whether it did or not.
"""

from __future__ import annotations

from typing import Final

from celery import shared_task
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audit import partitions, spans

PARTITIONS_LOCK: Final = 4251


@shared_task(name="audit.extend_partitions")  # type: ignore[untyped-decorator]
def extend_partitions() -> None:
    """Add the months that are missing, as the owner of the tables. Idempotent; one at a time, the other leaves."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [PARTITIONS_LOCK])
        if cursor.fetchone() == (True,):
            partitions.extend(settings.HANDOVER.database_owner_url, now=timezone.now())


@shared_task(name="audit.count_spans")  # type: ignore[untyped-decorator]
def count_spans() -> None:
    """Count the days and hours that are over and not counted yet. Idempotent: each is counted once."""
    spans.count_spans(timezone.now())


@shared_task(name="audit.sweep_spans")  # type: ignore[untyped-decorator]
def sweep_spans() -> None:
    """Remove counts that nothing reads any more, as the owner of the tables. Idempotent: what is gone is gone."""
    spans.sweep(settings.HANDOVER.database_owner_url, now=timezone.now())
