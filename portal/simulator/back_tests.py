"""A draft tried against recorded exchanges: what it would newly allow, newly refuse, or narrow.

Bounded in time, in number and in memory. Of each only the figures are kept, so that whoever publishes knows of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from audit import replays
from portal.simulator.models import BackTest
from portal.simulator.replaying import Effect, figures_of, replay

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.utils.functional import _StrPromise

    from audit.events import Actor
    from audit.selectors import Record
    from partners.excerpts import Draft
    from portal.simulator.replaying import Difference, Replayed

LISTED: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far a back-test goes: so long, over so many exchanges, with so many in memory."""

    seconds: float = 8.0
    most: int = 20_000
    batch: int = replays.BATCH


@dataclass(slots=True, kw_only=True)
class Report:
    """What came of it. ``is_whole``: no bound was met. ``reached_at``: the oldest exchange that was tried."""

    tried: int = 0
    left_out: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    is_whole: bool = True
    reached_at: datetime | None = None

    @property
    def figures(self) -> list[tuple[Effect, _StrPromise, int]]:
        """Each effect in words, with its count."""
        return figures_of(self.counts)

    def add(self, replayed: Replayed) -> None:
        """Count what came of one batch, and list what there is room for."""
        self.tried += replayed.tried
        self.left_out += replayed.left_out
        self.counts.update(difference.effect for difference in replayed.differences)
        self.differences += replayed.differences[: LISTED - len(self.differences)]


def back_test(draft: Draft, *, since: datetime, bounds: Bounds) -> Report:
    """Try the draft against the exchanges of its partner, newest first, as far as the bounds let it."""
    report, ends_at, before = Report(), monotonic() + bounds.seconds, None
    while batch := _older(draft, since, before, bounds.batch):
        before = batch[-1].entry.id
        report.add(replay(draft.id, batch))
        report.reached_at = batch[-1].entry.at
        if monotonic() > ends_at or report.tried + report.left_out >= bounds.most:
            report.is_whole = not _older(draft, since, before, 1)
            break
    return report


def _older(draft: Draft, since: datetime, before: UUID | None, size: int) -> list[Record]:
    assert draft.partner_id is not None
    return replays.recorded(draft.partner_id, since=since, before=before, size=size)


def keep(draft: Draft, report: Report, actor: Actor, *, since: datetime) -> None:
    """Note that this text of the draft was back-tested, and the figures, in place of those of the last time."""
    began = since if report.is_whole or report.reached_at is None else report.reached_at
    BackTest.objects.update_or_create(
        draft_id=draft.id,
        defaults={
            "draft_saved_at": draft.saved_at,
            "author": actor.name[:254],
            "made_at": timezone.now(),
            "since": began,
            "tried": report.tried,
            "counts": dict(report.counts),
        },
    )
