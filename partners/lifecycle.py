"""The life of a partner as a table: what leads where, and nothing else does."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from partners.errors import IllegalTransition
from partners.states import PartnerState

if TYPE_CHECKING:
    from collections.abc import Mapping


class PartnerAct(StrEnum):
    """What can be done to a partner."""

    ACTIVATE = "activate"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    OFFBOARD = "offboard"


_BEFORE_ACTIVE: Final = (PartnerState.DRAFT, PartnerState.INVITED, PartnerState.CONFIGURING, PartnerState.TESTED)

TRANSITIONS: Final[Mapping[tuple[PartnerState, PartnerAct], PartnerState]] = {
    **{(state, PartnerAct.ACTIVATE): PartnerState.ACTIVE for state in _BEFORE_ACTIVE},
    (PartnerState.ACTIVE, PartnerAct.SUSPEND): PartnerState.SUSPENDED,
    (PartnerState.SUSPENDED, PartnerAct.REINSTATE): PartnerState.ACTIVE,
    **{
        (state, PartnerAct.OFFBOARD): PartnerState.OFFBOARDED
        for state in (*_BEFORE_ACTIVE, PartnerState.ACTIVE, PartnerState.SUSPENDED)
    },
}
"""A partner that was never active cannot be suspended: reinstating it would skip what activation asks for."""


def advance(state: PartnerState, act: PartnerAct) -> PartnerState:
    """The state that follows. Raises ``IllegalTransition`` for every pair that is not in the table."""
    try:
        return TRANSITIONS[state, act]
    except KeyError as error:
        allowed = sorted(known for (before, known) in TRANSITIONS if before is state)
        hint = f"From there one can only {' or '.join(allowed)}." if allowed else "That state is final."
        raise IllegalTransition(f"A partner that is {state.value} cannot be {_PARTICIPLE[act]}. {hint}") from error


_PARTICIPLE: Final[Mapping[PartnerAct, str]] = {
    PartnerAct.ACTIVATE: "activated",
    PartnerAct.SUSPEND: "suspended",
    PartnerAct.REINSTATE: "reinstated",
    PartnerAct.OFFBOARD: "offboarded",
}


def acts_towards(state: PartnerState, wanted: PartnerState) -> tuple[PartnerAct, ...]:
    """The acts that lead from one state to another, fewest first. Raises ``IllegalTransition`` when none do."""
    paths: dict[PartnerState, tuple[PartnerAct, ...]] = {state: ()}
    frontier = [state]
    for reached in frontier:
        for (before, act), after in TRANSITIONS.items():
            if before is reached and after not in paths:
                paths[after] = (*paths[reached], act)
                frontier.append(after)
    if wanted not in paths:
        raise IllegalTransition(f"A partner that is {state.value} cannot become {wanted.value} again.")
    return paths[wanted]
