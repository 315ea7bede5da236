"""A draft tried against recorded exchanges: what it would newly allow, newly refuse, or narrow.

Bounded in time, in number and in memory. Of the last one the figures are kept, so that whoever publishes knows of it,
and the exchanges that would end in another way, for programs that read them part by part.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit import replays
from partners.errors import IllegalTransition
from portal.simulator.models import BackTest, BackTestDifference
from portal.simulator.replaying import Effect, figures_of, replay

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.utils.functional import _StrPromise

    from audit.events import Actor
    from audit.selectors import Record
    from partners.excerpts import Draft
    from portal.simulator.replaying import Difference, Replayed

LISTED: Final = 1000
SHOWN: Final = 100
"""How many of those listed the page shows."""
TURNS: Final = 4251
"""The first half of advisory locks; the second is the partner."""


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

    @property
    def shown(self) -> list[Difference]:
        """The newest of those that would end in another way."""
        return self.differences[:SHOWN]

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
    """Note that this text of the draft was back-tested, and what came of it, in place of the last time.

    Of two at a time the second one waits for the first one's row, and what is listed is one test's alone.
    """
    began = since if report.is_whole or report.reached_at is None else report.reached_at
    with transaction.atomic():
        test, _is_new = BackTest.objects.update_or_create(
            draft_id=draft.id,
            defaults={
                "draft_saved_at": draft.saved_at,
                "author": actor.name[:254],
                "made_at": timezone.now(),
                "since": began,
                "tried": report.tried,
                "left_out": report.left_out,
                "is_whole": report.is_whole,
                "counts": dict(report.counts),
            },
        )
        test.differences.all().delete()
        BackTestDifference.objects.bulk_create(
            BackTestDifference(back_test=test, **difference.row()) for difference in report.differences
        )


def take_turns(draft: Draft) -> None:
    """One at a time for a partner, until the transaction ends: each takes seconds. Raises ``IllegalTransition``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [TURNS, draft.partner])
        if cursor.fetchone() == (True,):
            return
    words = _("A draft of %(partner)s is being back-tested at this moment. Try again when that one is done.")
    raise IllegalTransition(words % {"partner": draft.partner})
