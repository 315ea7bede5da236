"""What each day and each hour brought: granted exchanges by partner and targets, counted once the time is over.

Of an hour also how all of them ended. The trail is never edited, so what a day brought never changes either. A month of
a busy installation is then read from some rows a day, the day that still runs from those of its hours, and only what is
not counted yet from the trail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import psycopg
from django.db import connection, transaction

from audit import events
from audit.models import CountedSpan
from audit.partitions import lowest_id
from audit.selectors import EXCHANGE_KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
OVER_AFTER: Final = timedelta(minutes=10)
"""How long after its end a span is counted: what a process stamped in its last second is committed by then."""

KEPT: Final = {DAY: timedelta(days=92), HOUR: timedelta(days=2)}
"""How far back spans are counted that were not, and how long counts stay: nothing shown asks for more."""

SWEEP_LOCK: Final = 4252

_COUNT: Final = """
    INSERT INTO audit_useofspan (start, hours, partner_id, target, granted)
    SELECT %s, %s, partner_id, target, count(*) FROM audit_event
    WHERE kind = %s AND id >= %s AND id < %s AND partner_id IS NOT NULL
    GROUP BY partner_id, target
"""
_COUNT_OUTCOMES: Final = """
    INSERT INTO audit_outcomeofhour (start, partner_id, kind, reason, count)
    SELECT %s, partner_id, kind, reason, count(*) FROM audit_event
    WHERE kind = ANY(%s) AND id >= %s AND id < %s
    GROUP BY partner_id, kind, reason
"""
_SWEEP: Final = """
    WITH over AS (
        DELETE FROM audit_countedspan AS span WHERE start < %(days)s OR hours = 1 AND start < %(hours)s AND EXISTS (
            SELECT FROM audit_countedspan WHERE start = date_trunc('day', span.start, 'UTC') AND hours = 24)
        RETURNING start, hours),
    outcomes AS (DELETE FROM audit_outcomeofhour AS ended USING over WHERE over.hours = 1 AND ended.start = over.start)
    DELETE FROM audit_useofspan AS used USING over WHERE used.start = over.start AND used.hours = over.hours
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """Which time is counted: by days from ``start`` to ``turn``, by hours from there to ``end``. Both can be empty."""

    start: datetime
    turn: datetime
    end: datetime


def count_spans(now: datetime) -> int:
    """Count the days and hours that are over and not counted yet; how many. Each in a transaction of its own.

    Two that count at once take turns: the row of the span is the claim.
    """
    return sum(_count(start, span) for span in KEPT for start in _uncounted(now, span))


def sweep(owner_url: str, *, now: datetime) -> int:
    """Remove counts that nothing shown reads any more; how many. Raises what the database raises.

    Hours go once their day is counted, so no figure is made of fewer counts than before. What would be counted again
    stays. As the owner of the tables: the application's role may only add to what lies beside the trail.
    """
    over = midnight(now - OVER_AFTER)
    with psycopg.connect(owner_url) as owner:
        if owner.execute("SELECT pg_try_advisory_xact_lock(%s)", [SWEEP_LOCK]).fetchone() != (True,):
            return 0
        return owner.execute(_SWEEP, {"days": over - KEPT[DAY], "hours": over - KEPT[HOUR]}).rowcount


def covered(first: datetime, now: datetime) -> Covered:
    """The counted time from ``first`` on that reaches nearest to now. One query."""
    rows = CountedSpan.objects.filter(start__gte=first, start__lt=now).values_list("start", "hours")
    known = {span: {start for start, hours in rows if hours == span // HOUR} for span in KEPT}
    last = max(known[DAY], default=None)
    turn = first if last is None else last + DAY
    return Covered(start=_back(turn, known[DAY]), turn=turn, end=_on(turn, known[HOUR]))


def midnight(at: datetime) -> datetime:
    """Where the day began, in UTC."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _back(at: datetime, days: Collection[datetime]) -> datetime:
    while at - DAY in days:
        at -= DAY
    return at


def _on(at: datetime, hours: Collection[datetime]) -> datetime:
    while at in hours:
        at += HOUR
    return at


def _uncounted(now: datetime, span: timedelta) -> Iterator[datetime]:
    """The newest first: they are asked about most."""
    over = now - OVER_AFTER
    end = midnight(over)
    end += (over - end) // span * span
    first = end - KEPT[span]
    known = set(CountedSpan.objects.filter(start__gte=first, hours=span // HOUR).values_list("start", flat=True))
    starts = (end - span * number for number in range(1, KEPT[span] // span + 1))
    return (start for start in starts if start not in known)


def _count(start: datetime, span: timedelta) -> bool:
    hours = span // HOUR
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 60000")  # once, and while nobody waits
        cursor.execute(
            "INSERT INTO audit_countedspan (start, hours) VALUES (%s, %s) ON CONFLICT DO NOTHING", [start, hours]
        )
        if not cursor.rowcount:
            return False
        bounds = (lowest_id(start), lowest_id(start + span))
        cursor.execute(_COUNT, [start, hours, events.ExchangeGranted.kind, *bounds])
        if span == HOUR:
            cursor.execute(_COUNT_OUTCOMES, [start, list(EXCHANGE_KINDS), *bounds])
    return True
