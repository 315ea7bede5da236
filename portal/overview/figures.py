"""The overview's figures, computed from one tally of the last day's exchanges. Nothing is shown that is not counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from audit.selectors import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from audit.tallies import Tally

HOURS: Final = 24
TOP: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerTraffic:
    """One partner's exchanges of the day."""

    partner_id: UUID
    granted: int
    refused: int
    failed: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.granted + self.refused + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts of the day: in all, for each hour, by reason and by partner (the busiest first)."""

    hours: tuple[datetime, ...]
    granted: tuple[int, ...]
    refused: tuple[int, ...]
    failed: tuple[int, ...]
    reasons: tuple[tuple[str, int], ...]
    partners: tuple[PartnerTraffic, ...]

    @property
    def totals(self) -> dict[str, int]:
        """How many were granted, refused and failed."""
        return {"granted": sum(self.granted), "refused": sum(self.refused), "failed": sum(self.failed)}

    @property
    def total(self) -> int:
        """How many there were."""
        return sum(self.totals.values())

    @property
    def rows(self) -> tuple[tuple[datetime, int, int, int], ...]:
        """Hour by hour, for the table behind the chart."""
        return tuple(zip(self.hours, self.granted, self.refused, self.failed, strict=True))


def hours_until(now: datetime) -> tuple[datetime, ...]:
    """Where each of the last 24 hours of the clock starts; the last one is still running."""
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    return tuple(start + timedelta(hours=number) for number in range(HOURS))


def figures(tallies: Sequence[Tally], hours: Sequence[datetime]) -> Figures:
    """Sum up a tally."""
    return Figures(
        hours=tuple(hours),
        granted=_hourly(tallies, Outcome.GRANTED, len(hours)),
        refused=_hourly(tallies, Outcome.REFUSED, len(hours)),
        failed=_hourly(tallies, Outcome.FAILED, len(hours)),
        reasons=_reasons(tallies),
        partners=_partners(tallies),
    )


def _hourly(tallies: Iterable[Tally], outcome: Outcome, hours: int) -> tuple[int, ...]:
    counts: Counter[int] = Counter()
    for tally in tallies:
        if tally.outcome is outcome and tally.hour is not None:
            counts[tally.hour] += tally.count
    return tuple(counts[hour] for hour in range(hours))


def _reasons(tallies: Iterable[Tally]) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    for tally in tallies:
        if tally.outcome is Outcome.REFUSED and tally.hour is not None:
            counts[tally.reason] += tally.count
    return tuple(counts.most_common(TOP))


def _partners(tallies: Iterable[Tally]) -> tuple[PartnerTraffic, ...]:
    counts: dict[UUID, Counter[Outcome]] = {}
    for tally in tallies:
        if tally.partner_id is not None:
            counts.setdefault(tally.partner_id, Counter())[tally.outcome] += tally.count
    traffic = [
        PartnerTraffic(
            partner_id=partner_id,
            granted=outcomes[Outcome.GRANTED],
            refused=outcomes[Outcome.REFUSED],
            failed=outcomes[Outcome.FAILED],
        )
        for partner_id, outcomes in counts.items()
    ]
    return tuple(sorted(traffic, key=lambda entry: entry.total, reverse=True))
