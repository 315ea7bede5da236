"""The overview's figures from a tally."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from audit.selectors import Outcome
from audit.tallies import Tally
from portal.overview.figures import figures, hours_until

KESTREL, FJORD = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 3, 17, 14, 30, tzinfo=UTC)


def counted(hour: int, outcome: Outcome, count: int, partner: UUID | None = KESTREL, reason: str = "") -> Tally:
    return Tally(hour=hour, outcome=outcome, reason=reason, partner_id=partner, count=count)


def test_the_hours_are_those_of_the_clock_and_the_last_one_is_still_running() -> None:
    hours = hours_until(NOW)
    assert len(hours) == 24
    assert hours[-1] == datetime(2026, 3, 17, 14, tzinfo=UTC)
    assert {later - earlier for earlier, later in pairwise(hours)} == {timedelta(hours=1)}


def test_counts_add_up_by_hour_reason_and_partner() -> None:
    day = figures(
        [
            counted(3, Outcome.GRANTED, 5),
            counted(3, Outcome.GRANTED, 2, FJORD),
            counted(4, Outcome.REFUSED, 3, FJORD, "token.expired"),
            counted(4, Outcome.REFUSED, 1, None, "client.unknown"),
            counted(5, Outcome.FAILED, 1, reason="server.internal"),
        ],
        hours_until(NOW),
    )
    assert (day.granted[3], day.refused[4], day.failed[5]) == (7, 4, 1)
    assert day.totals == {"granted": 7, "refused": 4, "failed": 1}
    assert day.total == 12
    assert day.reasons == (("token.expired", 3), ("client.unknown", 1))
    assert [(entry.partner_id, entry.total) for entry in day.partners] == [(KESTREL, 6), (FJORD, 5)]


def test_a_fault_of_ours_is_never_among_the_reasons_of_refusal() -> None:
    day = figures([counted(0, Outcome.FAILED, 4, reason="server.overloaded")], hours_until(NOW))
    assert day.reasons == ()


def test_the_table_has_a_row_for_each_hour_of_the_chart() -> None:
    day = figures([counted(23, Outcome.GRANTED, 9)], hours_until(NOW))
    assert len(day.rows) == 24
    assert day.rows[-1] == (datetime(2026, 3, 17, 14, tzinfo=UTC), 9, 0, 0)
