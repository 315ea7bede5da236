"""Shadows as pages show them: how long one ran, as of when, what it found; and what was found out about a draft."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.selectors import PAGE_SIZE, instant_of
from portal.simulator.models import BackTest, Shadow, ShadowDifference
from portal.simulator.replaying import EFFECTS, Effect, figures_of
from portal.simulator.shadows import fate_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from django.utils.functional import _StrPromise

LATE: Final = timedelta(minutes=10)
ENDS: Final[Mapping[str, _StrPromise]] = {
    Shadow.End.STOPPED: _("it was stopped"),
    Shadow.End.OVER: _("its 14 days were over"),
    Shadow.End.PUBLISHED: _("the draft was published"),
    Shadow.End.DROPPED: _("the draft was discarded"),
    Shadow.End.REWRITTEN: _("the draft was written anew"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One shadow. ``as_of``: every exchange up to then is counted; ``is_late`` where nobody moves it on any more."""

    id: UUID
    version: int
    author: str
    started_at: datetime
    ends_at: datetime
    ran: timedelta
    why_ended: _StrPromise | str
    as_of: datetime
    last_event: UUID | None
    tried: int
    left_out: int
    counts: Mapping[str, int]
    is_running: bool
    is_late: bool

    @property
    def figures(self) -> list[tuple[Effect, _StrPromise, int]]:
        """Each effect in words, with its count."""
        return figures_of(self.counts)

    @property
    def differing(self) -> int:
        """How many exchanges would have ended in another way."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One exchange that would have ended in another way, as the list shows it."""

    event_id: UUID
    at: datetime
    client: str
    word: _StrPromise
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """The figures of a back-test of this text of the draft."""

    author: str
    made_at: datetime
    span: timedelta
    tried: int
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
    tested = BackTest.objects.filter(draft_id=draft, draft_saved_at=saved_at).first()
    return Evidence(
        shadow=_shown(shadow) if shadow is not None and is_of_it else None,
        back_test=None if tested is None else _tested(tested),
    )


def differences(shadow: UUID, *, effect: str = "", before: UUID | None = None) -> tuple[tuple[Line, ...], UUID | None]:
    """A page of what it found, newest first, and the id to go on from; None on the last page."""
    rows = ShadowDifference.objects.filter(shadow=shadow)
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
        why_ended=ENDS.get(end, ""),
        as_of=as_of,
        last_event=row.last_event,
        tried=row.tried,
        left_out=row.left_out,
        counts=row.counts,
        is_running=is_running,
        is_late=is_running and min(now, row.ends_at) - as_of > LATE,
    )


def _line(row: ShadowDifference) -> Line:
    word = EFFECTS[Effect(row.effect)]
    at = instant_of(row.event_id)
    return Line(event_id=row.event_id, at=at, client=row.client, word=word, before=row.before, after=row.after)


def _tested(row: BackTest) -> Tested:
    span = row.made_at - row.since
    return Tested(author=row.author, made_at=row.made_at, span=span, tried=row.tried, counts=row.counts)
