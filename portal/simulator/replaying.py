"""Recorded exchanges tried again, as things are and with a draft in force: what the draft changes of each.

Back-tests and shadows are this function over other exchanges. Each is tried twice, so that what is told is the draft's
doing and nothing else's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

from exchange.golden_forms import end_of, in_words
from exchange.ground import ground_of
from exchange.simulating import simulate
from exchange.simulation import Outcome
from portal.simulator.simulations import questions_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from django.utils.functional import _StrPromise

    from audit.selectors import Entry, Record
    from exchange.simulation import Answer

_MOMENTARY: Final = frozenset({"iat", "exp"})


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

    def row(self) -> dict[str, Any]:
        """What is kept of it."""
        return {
            "event_id": self.entry.id,
            "client": self.entry.client,
            "effect": self.effect.value,
            "before": self.before,
            "after": self.after,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of some exchanges. ``left_out``: those that ended before any mapping had a say."""

    tried: int
    left_out: int
    differences: tuple[Difference, ...]


def replay(draft: UUID, records: Sequence[Record]) -> Replayed:
    """Try these exchanges: the configuration is read once as it is and once with the draft."""
    asked = list(questions_of(records))
    differences: list[Difference] = []
    if asked:
        questions = [question for _record, question in asked]
        now, then = ground_of(questions), ground_of(questions, draft=draft)
        compared = (_compare(record, simulate(question, now), simulate(question, then)) for record, question in asked)
        differences = [difference for difference in compared if difference is not None]
    return Replayed(tried=len(asked), left_out=len(records) - len(asked), differences=tuple(differences))


def _compare(record: Record, now: Answer, then: Answer) -> Difference | None:
    effect = effect_of(now, then)
    if effect is None:
        return None
    before, after = in_words(end_of(now)), in_words(end_of(then))
    return Difference(entry=record.entry, effect=effect, before=before, after=after)


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


def figures_of(counts: Mapping[str, int]) -> list[tuple[Effect, _StrPromise, int]]:
    """Each effect with its words and its count."""
    return [(effect, words, counts.get(effect, 0)) for effect, words in EFFECTS.items()]
