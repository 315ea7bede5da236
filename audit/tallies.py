"""The counts of a day: hour by hour over all partners with the busiest of them, or for some partners. One query each.

A day of a busy installation has tens of thousands of exchanges of thousands of partners; what is shown are some dozens
of numbers, and no more of them leave the database. Hours that are over are read from their counts (``audit.spans``),
and from the trail what came since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import connection

from audit.partitions import lowest_id
from audit.selectors import AHEAD, EXCHANGE_KINDS, Outcome, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many exchanges ended one way: in one hour (0 is the first) or all, for one reason, for one partner or all."""

    hour: int | None
    outcome: Outcome
    reason: str
    partner_id: UUID | None
    count: int


_DAY: Final = """
    -- the last hour still runs, so that one of them is always uncounted
    WITH uncounted AS MATERIALIZED (
        SELECT start, id FROM unnest(%(hours)s::timestamptz[], %(ids)s::uuid[]) AS each(start, id)
        WHERE NOT EXISTS (SELECT FROM audit_countedspan span WHERE span.start = each.start AND span.hours = 1)
        ORDER BY start LIMIT 1
    ), day AS MATERIALIZED (
        SELECT width_bucket(start, %(hours)s) AS hour, kind, reason, partner_id, count FROM audit_outcomeofhour
        WHERE start >= %(first)s AND start < (SELECT start FROM uncounted)
            AND (%(partners)s::uuid[] IS NULL OR partner_id = ANY(%(partners)s))
        UNION ALL
        SELECT width_bucket(id, %(ids)s), kind, reason, partner_id, count(*) FROM audit_event
        WHERE kind = ANY(%(kinds)s) AND id >= %(since)s AND id >= (SELECT id FROM uncounted) AND id < %(last)s
            AND (%(partners)s::uuid[] IS NULL OR partner_id = ANY(%(partners)s))
        GROUP BY 1, 2, 3, 4
    )
"""
_OF_ALL: Final = """
    , busiest AS (
        SELECT partner_id FROM day WHERE partner_id IS NOT NULL
        GROUP BY partner_id ORDER BY sum(count) DESC, partner_id LIMIT %(busiest)s
    )
    SELECT hour, kind, reason, NULL, sum(count)::int FROM day GROUP BY 1, 2, 3
    UNION ALL
    SELECT NULL, kind, reason, partner_id, sum(count)::int FROM day
    WHERE partner_id IN (SELECT partner_id FROM busiest) GROUP BY 2, 3, 4
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, count(DISTINCT partner_id)::int FROM day
"""
_BY_HOUR: Final = "SELECT hour, kind, reason, partner_id, sum(count)::int FROM day GROUP BY 1, 2, 3, 4"
_BY_PARTNER: Final = "SELECT NULL, kind, reason, partner_id, sum(count)::int FROM day GROUP BY 2, 3, 4"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfAll:
    """The counts, and how many partners exchanged at all."""

    tallies: tuple[Tally, ...]
    partners: int


def tally_of_all(hours: Sequence[datetime], *, busiest: int) -> DayOfAll:
    """Exchanges since the first of these hours. A row is of an hour and all partners, or of a partner and all hours."""
    rows = _read(_OF_ALL, hours, busiest=busiest)
    return DayOfAll(
        tallies=_tallies(row for row in rows if row[1] is not None),
        partners=next(row[-1] for row in rows if row[1] is None),
    )


def tally(hours: Sequence[datetime], *, partners: Sequence[UUID] | None = None) -> tuple[Tally, ...]:
    """Exchanges since the first of these hours, by hour, outcome, reason and partner."""
    return _tallies(_read(_BY_HOUR, hours, partners=partners))


def totals(hours: Sequence[datetime], *, partners: Sequence[UUID]) -> tuple[Tally, ...]:
    """As ``tally``, over all of the hours: what a list of many partners shows."""
    return _tallies(_read(_BY_PARTNER, hours, partners=partners))


def _read(
    summed: str, hours: Sequence[datetime], *, partners: Sequence[UUID] | None = None, busiest: int = 0
) -> list[tuple[Any, ...]]:
    asked: dict[str, Any] = {
        "hours": list(hours),
        "first": hours[0],
        "ids": [lowest_id(hour) for hour in hours],
        "kinds": list(EXCHANGE_KINDS),
        "since": lowest_id(hours[0]),
        "last": lowest_id(hours[-1] + AHEAD),
        "partners": None if partners is None else list(partners),
        "busiest": busiest,
    }
    with connection.cursor() as cursor:
        cursor.execute(_DAY + summed, asked)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _tallies(rows: Iterable[tuple[Any, ...]]) -> tuple[Tally, ...]:
    return tuple(
        Tally(
            hour=None if hour is None else max(0, hour - 1),
            outcome=outcome_of(kind, reason),
            reason=reason,
            partner_id=partner_id,
            count=count,
        )
        for hour, kind, reason, partner_id, count in rows
    )
