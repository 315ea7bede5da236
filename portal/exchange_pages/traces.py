"""The decision trace of one exchange: every step of the line in order, and what became of it (policy.reasons.Rule).

An event holds the steps that had something to say. The line is straight: a step that is not recorded but comes before
the one that refused was passed in silence, and a step after it was never reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from policy.claim_rules import Verdict
from policy.places import places_of
from policy.reasons import Reason, Rule
from portal.explanations.words import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.utils.functional import _StrPromise


class StepState(StrEnum):
    """What became of one step."""

    PASSED = "passed"
    NARROWED = "narrowed"
    REFUSED = "refused"
    FAULT = "fault"
    NOT_NEEDED = "not_needed"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceStep:
    """One step as the page shows it. ``kept`` and ``cut`` are the scopes of a narrowing step."""

    rule: str
    title: _StrPromise | str
    state: StepState
    expected: str = ""
    received: str = ""
    kept: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()


_STOPS: Final = frozenset({StepState.REFUSED, StepState.FAULT})
_OPTIONAL: Final = frozenset({Rule.POSSESSION, Rule.ACTOR_TOKEN})


def trace(steps: object, reason: str) -> tuple[TraceStep, ...]:
    """The whole line for the steps of an event, and the reason that ended it ("" where it was granted)."""
    recorded = _recorded(steps)
    if reason and not any(step.state in _STOPS for step in recorded):
        recorded.append(_step(_rule_of(reason), StepState.REFUSED))
    stop = next((step.rule for step in recorded if step.state in _STOPS), None)
    return tuple(_whole_line(recorded, stop))


def _whole_line(recorded: Sequence[TraceStep], stop: str | None) -> Iterator[TraceStep]:
    """Each rule's own steps, or the state its silence means."""
    is_past = False
    for rule in Rule:
        mine = [step for step in recorded if step.rule == rule]
        yield from mine or [_step(rule, _silence(rule, is_past=is_past))]
        is_past = is_past or rule == stop
    yield from (step for step in recorded if step.rule not in set(Rule))


def _silence(rule: Rule, *, is_past: bool) -> StepState:
    if is_past:
        return StepState.NOT_REACHED
    return StepState.NOT_NEEDED if rule in _OPTIONAL else StepState.PASSED


def _recorded(steps: object) -> list[TraceStep]:
    if not isinstance(steps, list):
        return []
    return [_from_event(*map(str, step)) for step in steps if isinstance(step, list) and len(step) == 4]  # noqa: PLR2004


def _from_event(rule: str, verdict: str, expected: str, received: str) -> TraceStep:
    state = StepState(verdict) if verdict in set(Verdict) else StepState.FAULT
    if rule == Rule.SCOPE and state in {StepState.PASSED, StepState.NARROWED}:
        kept, wanted = expected.split(), received.split()
        return _step(rule, state, kept=tuple(kept), cut=tuple(scope for scope in wanted if scope not in kept))
    return _step(rule, state, expected=expected, received=received)


def _step(rule: str, state: StepState, **shown: Any) -> TraceStep:  # noqa: ANN401
    title = RULES[Rule(rule)] if rule in set(Rule) else rule
    return TraceStep(rule=str(rule), title=title, state=state, **shown)


def _rule_of(reason: str) -> Rule:
    """The step a reason belongs to, for a refusal that recorded none; a newer version's reason ends at the first."""
    return places_of(Reason(reason))[0] if reason in set(Reason) else Rule.REQUEST
