"""What the worker is woken up for. A task carries no facts: what is to do stands in PostgreSQL (RFC 9700 section 2.5).

A message that is lost, late or delivered twice changes nothing: rows say what is due, claims and locks in the database
say who does it, and nothing that grants or ends access waits for a task.
"""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from exchange import golden, jwks, rotation, sweeping, watching


@shared_task(name="exchange.refresh_key_sets")  # type: ignore[untyped-decorator]
def refresh_key_sets() -> None:
    """Fetch the partners' key sets whose time has come (RFC 7517). Idempotent: each source is claimed by its row."""
    jwks.refresh_due()


@shared_task(name="exchange.rotate_keys")  # type: ignore[untyped-decorator]
def rotate_keys() -> None:
    """Publish, activate and retire our signing keys as they fall due. Idempotent: their rows say what is due."""
    rotation.rotate()


@shared_task(name="exchange.sweep_expired")  # type: ignore[untyped-decorator]
def sweep_expired() -> None:
    """Remove what has been over for a long time. Idempotent: what is gone is gone, and one sweeper holds the lock."""
    sweeping.sweep()


@shared_task(name="exchange.try_golden_tokens")  # type: ignore[untyped-decorator]
def try_golden_tokens() -> None:
    """Try again what was kept as golden, where the configuration or the keys moved. Idempotent: rows say under what."""
    golden.run_due()


@shared_task(name="exchange.watch_trusts")  # type: ignore[untyped-decorator]
def watch_trusts() -> None:
    """Look at the issuers of trusts whose turn has come (RFC 8414). Idempotent: a turn is taken before the look."""
    now = timezone.now()
    watching.watch_due(now)
    watching.sweep(now)
