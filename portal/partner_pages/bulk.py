"""What is done to several partners at once: for each of them what it brings about, or why it cannot be done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from partners import services
from partners.errors import ConfigurationError, IllegalTransition, NotRegistered
from partners.lifecycle import PartnerAct, advance
from partners.particulars import particulars
from partners.states import PartnerState
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from django.utils.functional import _StrPromise

    from audit.events import Actor
    from partners.changes import Change
    from partners.overviews import PartnerEntry

MOST: Final = 200
"""What is changed at once, at most: few enough to be looked at one by one, and done while somebody waits."""


class BulkAct(StrEnum):
    """One thing that can be done to several."""

    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    OWNER = "owner"
    REVIEW = "review"


LABELS: Final[Mapping[BulkAct, _StrPromise]] = {
    BulkAct.SUSPEND: gettext_lazy("Suspend"),
    BulkAct.REINSTATE: gettext_lazy("Reinstate"),
    BulkAct.OWNER: gettext_lazy("Change the owner"),
    BulkAct.REVIEW: gettext_lazy("Set the day of the review"),
}
_STATES: Final = {BulkAct.SUSPEND: PartnerAct.SUSPEND, BulkAct.REINSTATE: PartnerAct.REINSTATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What an act sets, where it sets anything."""

    owner: str = ""
    review_due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """One partner, and what the act brings about for it; or the obstacle, and then nothing is done to it."""

    partner: PartnerEntry
    consequence: str = ""
    obstacle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A partner to which it could not be done, and why."""

    slug: str
    why: str


def prospects(
    act: BulkAct, partners: Iterable[PartnerEntry], granted: Mapping[Any, int], value: Value
) -> tuple[Prospect, ...]:
    """Each of them in turn. ``granted`` are the exchanges of a day by partner."""
    return tuple(_prospect(act, partner, granted.get(partner.id, 0), value) for partner in partners)


def do(change: Change, act: BulkAct, slug: str, value: Value) -> None:
    """Do it to one partner, by the services of its own pages. Raises ``ConfigurationError``."""
    if act is BulkAct.SUSPEND:
        services.suspend_partner(change, slug)
    elif act is BulkAct.REINSTATE:
        services.reinstate_partner(change, slug)
    else:
        known = particulars(slug)
        if known is None:
            raise NotRegistered(Kind.PARTNER, slug)
        changes = {"owner": value.owner} if act is BulkAct.OWNER else {"review_due_on": value.review_due_on}
        if not services.change_partner(change, replace(known.declared, **changes), seen=known.stamp):
            raise IllegalTransition(_("It is so already. Nothing is left to do."))


def do_all(
    act: BulkAct,
    slugs: Sequence[str],
    value: Value,
    actor: Actor,
    changing: Any,  # noqa: ANN401 - a context manager
) -> tuple[tuple[str, ...], tuple[Failure, ...]]:
    """To whom it was done, and to whom not. For each partner all or nothing, with an event of its own."""
    done, failed = [], []
    for slug in slugs:
        try:
            with changing(actor) as change:
                do(change, act, slug, value)
        except ConfigurationError as error:
            failed.append(Failure(slug=slug, why=str(error)))
        else:
            done.append(slug)
    return tuple(done), tuple(failed)


def _prospect(act: BulkAct, partner: PartnerEntry, granted: int, value: Value) -> Prospect:
    obstacle = _obstacle(act, partner)
    if obstacle:
        return Prospect(partner=partner, obstacle=obstacle)
    return Prospect(partner=partner, consequence=_consequence(act, partner, granted, value))


def _obstacle(act: BulkAct, partner: PartnerEntry) -> str:
    state = PartnerState(partner.state)
    if act not in _STATES:
        return _("It is offboarded, which is final.") if state is PartnerState.OFFBOARDED else ""
    try:
        advance(state, _STATES[act])
    except IllegalTransition as error:
        return str(error)
    return ""


def _consequence(act: BulkAct, partner: PartnerEntry, granted: int, value: Value) -> str:
    match act:
        case BulkAct.SUSPEND:
            words = _("Its exchanges stop at the next request: %(count)d were granted in the last 24 hours.")
            return words % {"count": granted}
        case BulkAct.REINSTATE:
            return _("Its clients are served again from their next request on.")
        case BulkAct.OWNER:
            words = _("%(before)s answers for it now. From then on: %(after)s.")
            return words % {"before": partner.owner or _("Nobody"), "after": value.owner or "…"}
    before = partner.review_due_on.isoformat() if partner.review_due_on else _("no day")
    after = value.review_due_on.isoformat() if value.review_due_on else "…"
    return _("Its review is due on: %(before)s. From then on: %(after)s.") % {"before": before, "after": after}
