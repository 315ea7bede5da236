"""Shadows as pages show them: how long one ran, as of when, what it found; and what was found out about a draft."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.selectors import PAGE_SIZE, instant_of
from portal.simulator.models import BackTest, BackTestDifference, Shadow, ShadowDifference
from portal.simulator.replaying import EFFECTS, Effect, figures_of
from portal.simulator.shadows import fate_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet
    from django.utils.functional import _StrPromise

    from portal.simulator.models import DifferentEnd

LATE: Final = timedelta(minutes=10)
ENDS: Final[Mapping[str, _StrPromise]] = {
    Shadow.End.STOPPED: _("it was stopped"),
    Shadow.End.OVER: _("its 14 days were over"),
    Shadow.End.PUBLISHED: _("the draft was published"),
    Shadow.End.DROPPED: _("the draft was discarded"),
    Shadow.End.REWRITTEN: _("the draft was written anew"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What became of the exchanges that were tried: ``counts`` by effect; those left out could not be tried."""

    tried: int
    left_out: int
    counts: Mapping[str, int]

    @property
    def figures(self) -> list[tuple[Effect, _StrPromise, int]]:
        """Each effect in words, with its count."""
        return figures_of(self.counts)

    @property
    def differing(self) -> int:
        """How many exchanges would have ended in another way."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(Counted):
    """One shadow. ``as_of``: every exchange up to then is counted; ``is_late`` where nobody moves it on any more."""

    id: UUID
    version: int
    author: str
    started_at: datetime
    ends_at: datetime
    ran: timedelta
    end: str
    as_of: datetime
    last_event: UUID | None
    is_running: bool
    is_late: bool

    @property
    def why_ended(self) -> _StrPromise | str:
        """Why it runs no more, in words; empty while it runs."""
        return ENDS.get(self.end, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One exchange that would have ended in another way, as the list shows it."""

    event_id: UUID
    at: datetime
    client: str
    effect: Effect
    before: str
    after: str

    @property
    def word(self) -> _StrPromise:
        """The effect in words."""
        return EFFECTS[self.effect]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested(Counted):
    """The figures of a back-test of this text of the draft. ``since``: the oldest exchange that may have been tried."""

    author: str
    made_at: datetime
    since: datetime
    is_whole: bool

    @property
    def span(self) -> timedelta:
        """How long a time it looked back."""
        return self.made_at - self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found out about one text of a draft before anybody publishes it; both may be missing."""

    shadow: Shown | None
    back_test: Tested | None


def newest(partner_id: UUID, name: str) -> Shown | None:
    """The shadow of a mapping's drafts that was started last, running or ended."""
    row = Shadow.objects.filter(partner=partner_id, name=name).order_by("-id").first()
    return None if row is None else _shown(row)


def evidence(partner_id: UUID, name: str, draft: UUID, saved_at: datetime) -> Evidence:
    """What is known about this text of the draft. Two queries."""
    shadow = Shadow.objects.filter(partner=partner_id, name=name).order_by("-id").first()
    is_of_it = shadow is not None and (shadow.draft_id, shadow.draft_saved_at) == (draft, saved_at)
    return Evidence(
        shadow=_shown(shadow) if shadow is not None and is_of_it else None, back_test=back_test(draft, saved_at)
    )


def back_test(draft: UUID, saved_at: datetime) -> Tested | None:
    """The back-test of this text of the draft; None where there was none."""
    row = BackTest.objects.filter(draft_id=draft, draft_saved_at=saved_at).first()
    return None if row is None else _tested(row)


def differences(shadow: UUID, *, effect: str = "", before: UUID | None = None) -> tuple[tuple[Line, ...], UUID | None]:
    """A page of what it found, newest first, and the id to go on from; None on the last page."""
    return _lines(ShadowDifference.objects.filter(shadow=shadow), effect, before)


def tested_differences(draft: UUID, *, effect: str, before: UUID | None) -> tuple[tuple[Line, ...], UUID | None]:
    """The same of what the last back-test of a draft found."""
    return _lines(BackTestDifference.objects.filter(back_test=draft), effect, before)


def _lines(rows: QuerySet[Any], effect: str, before: UUID | None) -> tuple[tuple[Line, ...], UUID | None]:
    if effect in set(Effect):
        rows = rows.filter(effect=effect)
    if before is not None:
        rows = rows.filter(event_id__lt=before)
    found = [_line(row) for row in rows.order_by("-event_id")[: PAGE_SIZE + 1]]
    has_more = len(found) > PAGE_SIZE
    return tuple(found[:PAGE_SIZE]), found[PAGE_SIZE - 1].event_id if has_more else None


def _shown(row: Shadow) -> Shown:
    """As it stands: with its text gone it has ended, also where nobody wrote that down yet."""
    now, as_of = timezone.now(), instant_of(row.reached)
    end = row.end or (fate_of(row) or "")
    is_running = not end
    return Shown(
        id=row.id,
        version=row.version,
        author=row.author,
        started_at=row.started_at,
        ends_at=row.ends_at,
        ran=(row.ended_at or now) - row.started_at,
        end=end,
        as_of=as_of,
        last_event=row.last_event,
        tried=row.tried,
        left_out=row.left_out,
        counts=row.counts,
        is_running=is_running,
        is_late=is_running and min(now, row.ends_at) - as_of > LATE,
    )


def _line(row: DifferentEnd) -> Line:
    return Line(
        event_id=row.event_id,
        at=instant_of(row.event_id),
        client=row.client,
        effect=Effect(row.effect),
        before=row.before,
        after=row.after,
    )


def _tested(row: BackTest) -> Tested:
    return Tested(
        author=row.author,
        made_at=row.made_at,
        since=row.since,
        tried=row.tried,
        left_out=row.left_out,
        is_whole=row.is_whole,
        counts=row.counts,
    )
