"""The life of a partner as a table: what leads where, and nothing else does."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from partners.errors import IllegalTransition
from partners.states import BEFORE_ACTIVE, PartnerState

if TYPE_CHECKING:
    from collections.abc import Mapping


class PartnerAct(StrEnum):
    """What can be done to a partner. ``DECLARE``: a document, reviewed elsewhere, says that it is active."""

    INVITE = "invite"
    CONFIGURE = "configure"
    PASS_TEST = "pass_test"
    ACTIVATE = "activate"
    DECLARE = "declare"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    OFFBOARD = "offboard"


TRANSITIONS: Final[Mapping[tuple[PartnerState, PartnerAct], PartnerState]] = {
    (PartnerState.DRAFT, PartnerAct.INVITE): PartnerState.INVITED,
    (PartnerState.CONFIGURING, PartnerAct.INVITE): PartnerState.INVITED,
    (PartnerState.DRAFT, PartnerAct.CONFIGURE): PartnerState.CONFIGURING,
    (PartnerState.INVITED, PartnerAct.CONFIGURE): PartnerState.CONFIGURING,
    (PartnerState.TESTED, PartnerAct.CONFIGURE): PartnerState.CONFIGURING,
    (PartnerState.CONFIGURING, PartnerAct.PASS_TEST): PartnerState.TESTED,
    (PartnerState.TESTED, PartnerAct.ACTIVATE): PartnerState.ACTIVE,
    **{(state, PartnerAct.DECLARE): PartnerState.ACTIVE for state in BEFORE_ACTIVE},
    (PartnerState.ACTIVE, PartnerAct.SUSPEND): PartnerState.SUSPENDED,
    (PartnerState.SUSPENDED, PartnerAct.REINSTATE): PartnerState.ACTIVE,
    **{
        (state, PartnerAct.OFFBOARD): PartnerState.OFFBOARDED
        for state in (*BEFORE_ACTIVE, PartnerState.ACTIVE, PartnerState.SUSPENDED)
    },
}
"""A partner that was never active cannot be suspended: reinstating it would skip what activation asks for. A change of
what was tested leads back to configuring, so that nothing untested is ever activated.
"""

DECLARED_ACTS: Final = (PartnerAct.DECLARE, PartnerAct.SUSPEND, PartnerAct.REINSTATE, PartnerAct.OFFBOARD)
"""The acts by which documents lead a partner to the state they declare; the others are steps of people."""

_INFINITIVE: Final[Mapping[PartnerAct, str]] = {
    PartnerAct.INVITE: "invite it",
    PartnerAct.CONFIGURE: "configure it",
    PartnerAct.PASS_TEST: "pass its test",
    PartnerAct.ACTIVATE: "activate it",
    PartnerAct.SUSPEND: "suspend it",
    PartnerAct.REINSTATE: "reinstate it",
    PartnerAct.OFFBOARD: "offboard it",
}
_PARTICIPLE: Final[Mapping[PartnerAct, str]] = {
    PartnerAct.INVITE: "invited",
    PartnerAct.CONFIGURE: "configured",
    PartnerAct.PASS_TEST: "marked as tested",
    PartnerAct.ACTIVATE: "activated",
    PartnerAct.DECLARE: "declared active",
    PartnerAct.SUSPEND: "suspended",
    PartnerAct.REINSTATE: "reinstated",
    PartnerAct.OFFBOARD: "offboarded",
}


def advance(state: PartnerState, act: PartnerAct) -> PartnerState:
    """The state that follows. Raises ``IllegalTransition`` for every pair that is not in the table."""
    try:
        return TRANSITIONS[state, act]
    except KeyError as error:
        words = [_INFINITIVE[known] for known in acts_from(state)]
        hint = f"From there one can only {' or '.join(words)}." if words else "That state is final."
        raise IllegalTransition(f"A partner that is {state.value} cannot be {_PARTICIPLE[act]}. {hint}") from error


def acts_from(state: PartnerState) -> tuple[PartnerAct, ...]:
    """What people can do to a partner in a state, in the order of its life."""
    return tuple(act for act in PartnerAct if act is not PartnerAct.DECLARE and (state, act) in TRANSITIONS)


def acts_towards(state: PartnerState, wanted: PartnerState) -> tuple[PartnerAct, ...]:
    """The acts that a document does to lead from one state to another, fewest first.

    Raises ``IllegalTransition`` when none do.
    """
    paths: dict[PartnerState, tuple[PartnerAct, ...]] = {state: ()}
    frontier = [state]
    for reached in frontier:
        for act in DECLARED_ACTS:
            after = TRANSITIONS.get((reached, act))
            if after is not None and after not in paths:
                paths[after] = (*paths[reached], act)
                frontier.append(after)
    if wanted not in paths:
        raise IllegalTransition(f"A partner that is {state.value} cannot become {wanted.value} again.")
    return paths[wanted]
