"""What every page of one partner has around it: who it is, its state, what can be done to it, and the tabs."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from partners import profiles
from partners.states import PartnerState
from portal.partner_pages.acts import offered
from portal.partner_pages.onboarding_steps import onboarding_steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrPromise

    from partners.profiles import Profile

STATES: Final[Mapping[PartnerState, _StrPromise]] = {
    PartnerState.ACTIVE: gettext_lazy("Active"),
    PartnerState.DRAFT: gettext_lazy("Draft"),
    PartnerState.INVITED: gettext_lazy("Invited"),
    PartnerState.CONFIGURING: gettext_lazy("Configuring"),
    PartnerState.TESTED: gettext_lazy("Tested"),
    PartnerState.SUSPENDED: gettext_lazy("Suspended"),
    PartnerState.OFFBOARDED: gettext_lazy("Offboarded"),
}


def partner_of(slug: str) -> Profile:
    """The partner that an address names. Raises ``Http404``."""
    partner = profiles.profile(slug)
    if partner is None:
        raise Http404(_("No partner is called “%(slug)s”. Look it up in the list of partners.") % {"slug": slug})
    return partner


def partner_page(
    request: HttpRequest, partner: Profile, tab: str, context: Mapping[str, Any], *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    """The page of a tab, or of something that is done from it: ``mappings/draft`` belongs to the tab ``mappings``."""
    tabs = (
        ("summary", _("Summary"), None),
        ("trust", _("Trust"), partner.trusts),
        ("clients", _("Clients"), partner.clients),
        ("mappings", _("Mappings"), partner.mappings),
        ("activity", _("Activity"), None),
        ("integration", _("Integration"), None),
        ("people", _("Its people"), None),
        ("history", _("History"), None),
    )
    state = PartnerState(partner.state)
    shared = {
        "partner": partner,
        "tabs": tabs,
        "tab": tab.partition("/")[0],
        "offered": offered(state),
        "onboarding": context.get("onboarding") or onboarding_steps(partner),
        "is_final": state is PartnerState.OFFBOARDED,
    }
    return render(request, f"partners/{tab}.html", {**shared, **context}, status=status)
