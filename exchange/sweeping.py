"""Removing what has been over for a long time. It decides nothing: expiry is computed at use (RFC 7519 section 4.1.4).

Nobody misses these rows: a token, its family and their end are in the audit trail, which is kept. They are removed late
on purpose. A used identifier stays a day beyond its token's end, so that a database clock that jumps ahead and back
cannot make a spent token new again; tokens and families stay for ``HANDOVER_TOKEN_RETENTION`` days, for incidents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction

SWEEP_LOCK: Final = 4250
BATCH: Final = 2000
BATCHES_PER_RUN: Final = 50
SPENT_STAYS: Final = timedelta(days=1)
DEVICES_STAY: Final = timedelta(hours=1)
"""How long a device that asks late hears that its code is expired, rather than unknown (RFC 8628 section 3.5)."""

_SPENT: Final = """
    DELETE FROM exchange_spentjti WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM exchange_spentjti WHERE expires_at < clock_timestamp() - make_interval(secs => %s)
        ORDER BY expires_at LIMIT %s))
"""
_TOKENS: Final = """
    DELETE FROM exchange_issuedtoken WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM exchange_issuedtoken WHERE expires_at < clock_timestamp() - make_interval(secs => %s)
        ORDER BY expires_at LIMIT %s))
"""
_FAMILIES: Final = """
    DELETE FROM exchange_tokenfamily WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM exchange_tokenfamily AS family WHERE expires_at < clock_timestamp() - make_interval(secs => %s)
        AND NOT EXISTS (SELECT 1 FROM exchange_issuedtoken WHERE family_id = family.id)
        ORDER BY expires_at LIMIT %s))
"""
_DEVICES: Final = """
    DELETE FROM exchange_devicegrant WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM exchange_devicegrant WHERE expires < clock_timestamp() - make_interval(secs => %s)
        ORDER BY expires LIMIT %s))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many rows of each kind were removed."""

    spent: int
    tokens: int
    families: int
    devices: int


def sweep(*, batch: int = BATCH) -> Swept:
    """Remove what is over, in short transactions; tokens before the families they belong to.

    Safe to run twice at a time: one sweeper holds the lock, the other leaves. What one run does not reach, the next
    one does.
    """
    retention = settings.HANDOVER.token_retention
    return Swept(
        spent=_remove(_SPENT, SPENT_STAYS, batch),
        tokens=_remove(_TOKENS, retention, batch),
        families=_remove(_FAMILIES, retention, batch),
        devices=_remove(_DEVICES, DEVICES_STAY, batch),
    )


def _remove(statement: str, stays: timedelta, batch: int) -> int:
    removed = 0
    for _ in range(BATCHES_PER_RUN):
        count = _remove_batch(statement, stays, batch)
        removed += count
        if count < batch:
            break
    return removed


def _remove_batch(statement: str, stays: timedelta, batch: int) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SWEEP_LOCK])
        if cursor.fetchone() != (True,):
            return 0
        cursor.execute(statement, [stays.total_seconds(), batch])
        return int(cursor.rowcount)
