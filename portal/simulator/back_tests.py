"""A draft tried against recorded exchanges: what it would newly allow, newly refuse, or narrow.

Each exchange is tried twice, under the configuration as it is and with the draft in its place, so that what is told is
the draft's doing and nothing else's. Bounded in time, in number and in memory.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from audit import replays
from exchange.golden_forms import end_of, in_words
from exchange.ground import ground_of
from exchange.simulating import simulate
from exchange.simulation import Outcome
from portal.simulator.simulations import question_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from django.utils.functional import _StrPromise

    from audit.selectors import Entry, Record
    from exchange.simulation import Answer, Question
    from partners.excerpts import Draft

LISTED: Final = 100
_MOMENTARY: Final = frozenset({"iat", "exp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far a back-test goes: so long, over so many exchanges, with so many in memory."""

    seconds: float = 8.0
    most: int = 20_000
    batch: int = replays.BATCH


class Effect(StrEnum):
    """What the draft changes for one exchange."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    NARROWED = "narrowed"
    WIDENED = "widened"
    CHANGED = "changed"


EFFECTS: Final[Mapping[Effect, _StrPromise]] = {
    Effect.ALLOWED: _("Newly allowed"),
    Effect.REFUSED: _("Newly refused"),
    Effect.NARROWED: _("Narrowed"),
    Effect.WIDENED: _("Widened"),
    Effect.CHANGED: _("Otherwise changed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One exchange that would end in another way, and both ends in words."""

    entry: Entry
    effect: Effect
    before: str
    after: str

    @property
    def word(self) -> _StrPromise:
        """The effect in words."""
        return EFFECTS[self.effect]


@dataclass(slots=True, kw_only=True)
class Report:
    """What came of it. ``is_whole``: no bound was met. ``reached_at``: the oldest exchange that was tried."""

    tried: int = 0
    left_out: int = 0
    counts: Counter[Effect] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    is_whole: bool = True
    reached_at: datetime | None = None

    @property
    def figures(self) -> list[tuple[_StrPromise, int]]:
        """Each effect in words, with its count."""
        return [(word, self.counts[effect]) for effect, word in EFFECTS.items()]


def back_test(draft: Draft, *, since: datetime, bounds: Bounds) -> Report:
    """Try the draft against the exchanges of its partner, newest first, as far as the bounds let it."""
    report, ends_at, before = Report(), monotonic() + bounds.seconds, None
    assert draft.partner_id is not None
    while batch := replays.recorded(draft.partner_id, since=since, before=before, size=bounds.batch):
        before = batch[-1].entry.id
        _try(draft.id, batch, report)
        report.reached_at = batch[-1].entry.at
        if monotonic() > ends_at or report.tried + report.left_out >= bounds.most:
            report.is_whole = not replays.recorded(draft.partner_id, since=since, before=before, size=1)
            break
    return report


def _try(draft: UUID, batch: list[Record], report: Report) -> None:
    """One batch: the configuration is read once as it is and once with the draft."""
    asked = list(_questions(batch))
    report.left_out += len(batch) - len(asked)
    if not asked:
        return
    questions = [question for _record, question in asked]
    now, then = ground_of(questions), ground_of(questions, draft=draft)
    for record, question in asked:
        report.tried += 1
        _compare(record, simulate(question, now), simulate(question, then), report)


def _questions(batch: list[Record]) -> Iterator[tuple[Record, Question]]:
    """The exchanges that got as far as a verified token, or needed none: the others the draft cannot change."""
    for record in batch:
        data = record.document.get("data") or {}
        if not data.get("subject") and (data.get("request") or {}).get("subject_token_type"):
            continue
        try:
            yield record, question_of(record)
        except ValueError:
            continue


def _compare(record: Record, now: Answer, then: Answer, report: Report) -> None:
    effect = effect_of(now, then)
    if effect is None:
        return
    report.counts[effect] += 1
    if len(report.differences) < LISTED:
        before, after = in_words(end_of(now)), in_words(end_of(then))
        report.differences.append(Difference(entry=record.entry, effect=effect, before=before, after=after))


def effect_of(now: Answer, then: Answer) -> Effect | None:
    """What the second answer changes of the first; None where the caller could not tell them apart."""
    if then.outcome is not now.outcome:
        return Effect.ALLOWED if then.outcome is Outcome.GRANTED else Effect.REFUSED
    if now.outcome is not Outcome.GRANTED:
        return None
    before, after = set(now.scope), set(then.scope)
    if before != after:
        return Effect.NARROWED if after < before else Effect.WIDENED
    return None if _lasting(now) == _lasting(then) else Effect.CHANGED


def _lasting(answer: Answer) -> dict[str, object]:
    """What a token says; of its times how long it lives."""
    claims = answer.claims
    said: dict[str, object] = {name: value for name, value in claims.items() if name not in _MOMENTARY}
    return {**said, "lifetime": int(str(claims["exp"])) - int(str(claims["iat"]))}
