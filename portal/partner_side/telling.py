"""What became of an exchange, in words for the partner's own people: what was expected, what came, who changes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from policy.reasons import Reason
from portal.explanations.menders import Side as Whose
from portal.explanations.menders import mender_of
from portal.explanations.words import explain
from portal.simulator import simulations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

    from audit.selectors import Entry
    from exchange.simulation import Answer
    from portal.explanations.explanation import Explanation
    from portal.simulator.simulations import Told

WHOSE_TURN: Final[Mapping[Whose, _StrPromise]] = {
    Whose.US: _("We change it. Ask your contact here."),
    Whose.PARTNER: _("You change it, in what your side sends."),
    Whose.EITHER: _("Either side: what you send and what is registered here do not agree. Tell your contact here."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an exchange was refused, and whose turn it is."""

    explanation: Explanation
    whose: _StrPromise


def refusal(entry: Entry) -> Refusal | None:
    """Why a recorded exchange was refused; None where it was not, or for a reason of a newer version."""
    if entry.reason not in set(Reason):
        return None
    reason = Reason(entry.reason)
    return Refusal(explanation=explain(reason), whose=WHOSE_TURN[mender_of(reason).side])


def told(answer: Answer) -> Told:
    """What was tried, as the partner's page shows it: no page of ours is named, which they could not open."""
    plain = simulations.told(answer, is_typed=False)
    if answer.reason is None:
        return plain
    return replace(plain, side=WHOSE_TURN[mender_of(answer.reason).side], address="")
