"""The months of the audit trail: one partition each, bounded by the lowest UUIDv7 of the month (RFC 9562 section 5.7).

A default partition takes whatever no month takes, so an insert never fails for want of a partition. Months are added
ahead of time by the owner of the tables, at ``migrate`` and daily; adding them twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.errors import CheckViolation

if TYPE_CHECKING:
    from collections.abc import Iterator

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS_AHEAD: Final = 13
MONTHS_OF_A_YEAR: Final = 12
LOCK_TIMEOUT: Final = "2s"
LARGEST_INLINE: Final = 8160
"""Bytes of a row that stay together (PostgreSQL's most): an event is written in one piece (docs/decisions/0012)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One partition: its table, its first id, and the first id that is not its own."""

    table: str
    first: UUID
    end: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What ``extend`` did. ``blocked`` months stay in the default partition: events of theirs are in it already."""

    added: tuple[str, ...]
    blocked: tuple[str, ...]


def lowest_id(instant: datetime) -> UUID:
    """The smallest UUIDv7 an event at this instant, or after it, can have: its milliseconds, and no random bit set."""
    milliseconds = (instant - EPOCH) // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62)


def months(now: datetime, ahead: int = MONTHS_AHEAD) -> Iterator[Month]:
    """The month of ``now`` and those after it, in UTC wherever the server stands."""
    count = now.astimezone(UTC).year * MONTHS_OF_A_YEAR + now.astimezone(UTC).month - 1
    for number in range(count, count + ahead + 1):
        first, end = _start(number), _start(number + 1)
        yield Month(table=f"audit_event_{first:%Y_%m}", first=lowest_id(first), end=lowest_id(end))


def extend(owner_url: str, *, now: datetime, ahead: int = MONTHS_AHEAD) -> Extension:
    """Add the partitions that are missing, as the owner of the tables. Raises what the database raises."""
    added: list[str] = []
    blocked: list[str] = []
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
        known = _partitions(connection)
        for month in months(now, ahead):
            if month.table in known:
                continue
            (added if _add(connection, month) else blocked).append(month.table)
    return Extension(added=tuple(added), blocked=tuple(blocked))


def _start(number: int) -> datetime:
    return datetime(number // MONTHS_OF_A_YEAR, number % MONTHS_OF_A_YEAR + 1, 1, tzinfo=UTC)


def _partitions(connection: psycopg.Connection) -> set[str]:
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_event'::regclass"
    return {name for (name,) in connection.execute(query)}


def _add(connection: psycopg.Connection, month: Month) -> bool:
    """Attach a table made beforehand: unlike ``PARTITION OF``, that does not stop the writers of other months."""
    table = sql.Identifier(month.table)
    try:
        with connection.transaction():
            connection.execute(
                sql.SQL("CREATE TABLE {} (LIKE audit_event INCLUDING ALL) WITH (toast_tuple_target = {})").format(
                    table, sql.Literal(LARGEST_INLINE)
                )
            )
            connection.execute(
                sql.SQL("ALTER TABLE audit_event ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                    table, sql.Literal(str(month.first)), sql.Literal(str(month.end))
                )
            )
            # A row trigger of the parent is inherited, a statement trigger is not.
            connection.execute(
                sql.SQL(
                    "CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON {}"
                    " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()"
                ).format(table)
            )
    except CheckViolation:
        return False
    return True
