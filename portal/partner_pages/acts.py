"""The acts of a partner's life as its pages offer them: their words, and what each of them brings about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from partners import services
from partners.lifecycle import PartnerAct, acts_from
from partners.states import BEFORE_ACTIVE, PartnerState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.utils.functional import _StrPromise

    from partners.changes import Change
    from partners.services import FieldChange

    Service = Callable[[Change, str], tuple[FieldChange, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedAct:
    """One act: the button that leads to its page, the title and the words there, and the button that does it.

    ``is_typed``: it cannot be undone and is wide, so the partner's short name is typed to confirm it. ``is_confirmed``:
    whoever does it has proved a short while ago who they are, so that a stolen session alone cannot.
    """

    act: PartnerAct
    icon: str
    label: _StrPromise
    title: _StrPromise
    words: _StrPromise
    undone: _StrPromise
    button: _StrPromise
    service: Service
    is_dangerous: bool = False
    is_typed: bool = False
    is_confirmed: bool = False


ACTS: Final[Mapping[PartnerAct, OfferedAct]] = {
    offer.act: offer
    for offer in (
        OfferedAct(
            act=PartnerAct.PASS_TEST,
            icon="shield-check",
            label=_("Mark as tested"),
            title=_("Mark %(partner)s as tested"),
            words=_("Its own issuer's token was exchanged for a test target. A second person can activate it then."),
            undone=_("A change of a trust or a mapping sets it back to configuring, and asks for another test."),
            button=_("Mark %(partner)s as tested"),
            service=services.pass_test,
        ),
        OfferedAct(
            act=PartnerAct.ACTIVATE,
            icon="circle-check",
            label=_("Activate"),
            title=_("Activate %(partner)s"),
            words=_("From its next request on, its clients get tokens for every target that its mappings lead to."),
            undone=_("Suspending it stops that at the next request."),
            button=_("Activate %(partner)s"),
            service=services.activate_partner,
            is_confirmed=True,
        ),
        OfferedAct(
            act=PartnerAct.REINSTATE,
            icon="circle-check",
            label=_("Reinstate"),
            title=_("Reinstate %(partner)s"),
            words=_("Its clients are served again from their next request on, under the same trusts and mappings."),
            undone=_("It can be suspended again at any time."),
            button=_("Reinstate %(partner)s"),
            service=services.reinstate_partner,
        ),
        OfferedAct(
            act=PartnerAct.SUSPEND,
            icon="ban",
            label=_("Suspend"),
            title=_("Suspend %(partner)s"),
            words=_(
                "Its exchanges are refused from the next request on. Whoever asks us about its tokens hears that they"
                " are not good; a service that does not ask accepts them until they end."
            ),
            undone=_("Reinstating it undoes this, and loses nothing."),
            button=_("Suspend %(partner)s"),
            service=services.suspend_partner,
            is_dangerous=True,
        ),
        OfferedAct(
            act=PartnerAct.OFFBOARD,
            icon="ban",
            label=_("Offboard"),
            title=_("Offboard %(partner)s for good"),
            words=_(
                "Every trust and every mapping is withdrawn and every client suspended. Its history stays readable,"
                " and its short name stays taken."
            ),
            undone=_("There is no way back. To work with it again, register it under another short name."),
            button=_("Offboard %(partner)s for good"),
            service=services.offboard_partner,
            is_dangerous=True,
            is_typed=True,
            is_confirmed=True,
        ),
    )
}


def offered(state: PartnerState) -> tuple[OfferedAct, ...]:
    """The acts to show for a partner in a state. Before its activation that one is among them, to say what it takes."""
    possible = {*acts_from(state), *((PartnerAct.ACTIVATE,) if state in BEFORE_ACTIVE else ())}
    return tuple(offer for act, offer in ACTS.items() if act in possible)
