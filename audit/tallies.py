"""The counts of a day over all partners: hour by hour, and for the busiest partners. One query, summed up there.

A day of a busy installation has tens of thousands of exchanges of thousands of partners; what is shown are some dozens
of numbers, and no more of them leave the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import connection

from audit.partitions import lowest_id
from audit.selectors import AHEAD, EXCHANGE_KINDS, Tally, outcome_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_TALLY: Final = """
    WITH day AS MATERIALIZED (
        SELECT width_bucket(id, %(hours)s) AS hour, kind, reason, partner_id, count(*) AS count FROM audit_event
        WHERE kind = ANY(%(kinds)s) AND id >= %(first)s AND id < %(last)s
        GROUP BY 1, 2, 3, 4
    ), busiest AS (
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfAll:
    """The counts, and how many partners exchanged at all."""

    tallies: tuple[Tally, ...]
    partners: int


def tally_of_all(hours: Sequence[datetime], *, busiest: int) -> DayOfAll:
    """Exchanges since the first of these hours. A row is of an hour and all partners, or of a partner and all hours.

    Led by ``event_by_kind``.
    """
    asked: dict[str, Any] = {
        "hours": [lowest_id(hour) for hour in hours],
        "kinds": list(EXCHANGE_KINDS),
        "first": lowest_id(hours[0]),
        "last": lowest_id(hours[-1] + AHEAD),
        "busiest": busiest,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TALLY, asked)
        rows = cursor.fetchall()
    tallies = tuple(
        Tally(
            hour=None if hour is None else max(0, hour - 1),
            outcome=outcome_of(kind, reason),
            reason=reason,
            partner_id=partner_id,
            count=count,
        )
        for hour, kind, reason, partner_id, count in rows
        if kind is not None
    )
    return DayOfAll(tallies=tallies, partners=next(row[-1] for row in rows if row[1] is None))
