"""Drafts in shadow: beside what is in force, each real exchange is tried with the draft too, and nobody notices.

The trail of audit events is followed behind the endpoint, so that an exchange costs nothing more for it. A shadow has
a place in the trail and moves on batch by batch: what a batch counted and where it ended are one transaction under the
row's lock, so two workers count nothing twice, and one that dies counts nothing by half.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from audit import replays
from audit.events import SYSTEM, ConfigurationApplied
from audit.partitions import lowest_id
from partners import excerpts
from partners.changes import changing
from partners.errors import IllegalTransition
from partners.states import MappingState
from portal.simulator.models import BackTest, Shadow, ShadowDifference
from portal.simulator.replaying import replay

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from audit.events import JSON
    from partners.changes import Change
    from partners.excerpts import Draft

LASTS: Final = timedelta(days=14)
SETTLED: Final = timedelta(seconds=30)
"""Younger events are not looked at: one with a smaller id may still be committed, and would be passed over."""
LISTED: Final = 1000
KEPT: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much one wake-up does: so long, with so many exchanges in memory."""

    seconds: float = 20.0
    batch: int = replays.BATCH


BOUNDS: Final = Bounds()


def start(change: Change, draft: Draft) -> Shadow:
    """The draft runs in shadow from now on. Raises ``IllegalTransition`` where it does already."""
    assert draft.partner_id is not None  # drafts are partners' alone
    now = timezone.now()
    before = _running().select_for_update(of=("self",)).filter(draft_id=draft.id).first()
    if before is not None and before.draft_saved_at != draft.saved_at:
        _end(change, before, Shadow.End.REWRITTEN, at=now)
    shadow, is_new = Shadow.objects.get_or_create(
        draft_id=draft.id,
        ended_at=None,
        defaults={
            "partner_id": draft.partner_id,
            "name": draft.name,
            "version": draft.version,
            "draft_saved_at": draft.saved_at,
            "author": change.actor.name[:254],
            "started_at": now,
            "ends_at": now + LASTS,
            "reached": lowest_id(now),
        },
    )
    if not is_new:
        words = _("The draft of %(name)s runs in shadow already: %(author)s started it. Nothing is left to do.")
        raise IllegalTransition(words % {"name": shadow.name, "author": shadow.author})
    _record(change, shadow, "started", {"version": shadow.version})
    return shadow


def stop(change: Change, shadow_id: UUID) -> None:
    """It runs no more; what it found stays. Raises ``IllegalTransition`` where it had ended before."""
    shadow = _running().select_for_update(of=("self",)).filter(pk=shadow_id).first()
    if shadow is None:
        raise IllegalTransition(
            _("The draft runs in shadow no more: it was stopped meanwhile, or ended by itself. Nothing is left to do.")
        )
    _end(change, shadow, Shadow.End.STOPPED, at=timezone.now())


def follow_all(*, now: datetime, bounds: Bounds = BOUNDS) -> None:
    """Each running shadow a batch further, those that are furthest behind first, round by round while there is time."""
    ends_at = monotonic() + bounds.seconds
    waiting = deque(_running().order_by("reached").values_list("id", flat=True))
    while waiting and monotonic() < ends_at:
        shadow_id = waiting.popleft()
        if follow(shadow_id, now=now, size=bounds.batch):
            waiting.append(shadow_id)


def follow(shadow_id: UUID, *, now: datetime, size: int = replays.BATCH) -> bool:
    """One shadow one batch further, unless another worker has it; answers whether there is more to try now."""
    with changing(SYSTEM) as change:
        shadow = _running().select_for_update(of=("self",), skip_locked=True).filter(pk=shadow_id).first()
        if shadow is None:
            return False
        end = fate_of(shadow)
        if end is not None:
            _end(change, shadow, end, at=now)
            return False
        until = min(now - SETTLED, shadow.ends_at)
        has_more = _move_on(shadow, until, size)
        if not has_more and until == shadow.ends_at:
            _end(change, shadow, Shadow.End.OVER, at=shadow.ends_at)
        return has_more


def fate_of(shadow: Shadow) -> Shadow.End | None:
    """What became of the text that it tries, where it is no draft any more."""
    standing = excerpts.standing_of(shadow.draft_id)
    if standing is None:
        return Shadow.End.DROPPED
    state, saved_at = standing
    if state != MappingState.DRAFT:
        return Shadow.End.PUBLISHED
    return None if saved_at == shadow.draft_saved_at else Shadow.End.REWRITTEN


def sweep(*, now: datetime) -> None:
    """Delete what was found about drafts a long time ago. Idempotent: time decides."""
    Shadow.objects.filter(ended_at__lt=now - KEPT).delete()
    BackTest.objects.filter(made_at__lt=now - KEPT).delete()


def _running() -> QuerySet[Shadow]:
    return Shadow.objects.select_related("partner").filter(ended_at__isnull=True)


def _move_on(shadow: Shadow, until: datetime, size: int) -> bool:
    """Try what lies between its place and this instant, a batch at most; whether that was not all."""
    bound = max(lowest_id(until), shadow.reached)
    batch = replays.following(shadow.partner_id, after=shadow.reached, until=bound, size=size)
    has_more = len(batch) == size
    found = replay(shadow.draft_id, batch)
    room = LISTED - sum(shadow.counts.values())
    ShadowDifference.objects.bulk_create(
        ShadowDifference(shadow=shadow, **difference.row()) for difference in found.differences[: max(0, room)]
    )
    effects = Counter(difference.effect.value for difference in found.differences)
    shadow.counts = dict(Counter(shadow.counts) + effects)
    shadow.tried += found.tried
    shadow.left_out += found.left_out
    shadow.reached = batch[-1].entry.id if has_more else bound
    shadow.last_event = batch[-1].entry.id if batch else shadow.last_event
    shadow.save(update_fields=["counts", "tried", "left_out", "reached", "last_event"])
    return has_more


def _end(change: Change, shadow: Shadow, end: Shadow.End, *, at: datetime) -> None:
    shadow.end, shadow.ended_at = end, at
    shadow.save(update_fields=["end", "ended_at"])
    _record(change, shadow, "ended", {"because": end.value, "tried": shadow.tried, "counts": shadow.counts})


def _record(change: Change, shadow: Shadow, act: str, more: dict[str, JSON]) -> None:
    partner = shadow.partner
    data: dict[str, JSON] = {"object": "Shadow", "name": shadow.name, "change": act, "fields": [], **more}
    change.record(ConfigurationApplied(partner_id=partner.id, partner=partner.slug, data=data))
