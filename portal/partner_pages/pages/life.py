"""What is done to a partner as a whole: each act has a page that shows its consequence first, and a button."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from exchange import live_tokens
from partners.changes import changing
from partners.errors import ConfigurationError, SecondPersonNeeded
from partners.humans import names_of
from partners.lifecycle import PartnerAct, acts_from
from partners.readiness import readiness
from partners.states import PartnerState
from portal.partner_pages.acts import ACTS
from portal.partner_pages.frame import STATES, partner_of, partner_page
from portal.people.colleagues import colleagues
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.signing_in.confirming import require_fresh
from portal.views.doors import needs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from partners.profiles import Profile
    from portal.partner_pages.acts import OfferedAct


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def act(request: HttpRequest, slug: str, act: str) -> HttpResponse:
    """The consequence of an act, with real figures, and the act itself."""
    partner, offer = partner_of(slug), _offer(act)
    if request.method == "GET":
        return _page(request, partner, offer, _obstacle(request, partner, offer))
    if offer.is_confirmed:
        require_fresh(request)
    if offer.is_typed and request.POST.get("typed", "").strip() != partner.slug:
        words = _("The short name that was typed is not %(slug)s, so nothing was done. Type it as it stands here.")
        typed = {"typed_error": words % {"slug": partner.slug}}
        return _page(request, partner, offer, {}, status=HTTPStatus.UNPROCESSABLE_ENTITY, **typed)
    try:
        with changing(actor_of(request.user)) as change:
            offer.service(change, slug)
    except ConfigurationError as error:
        return _page(request, partner_of(slug), offer, _in_words(error), status=HTTPStatus.CONFLICT)
    return redirect("partners-summary", slug)


def _offer(name: str) -> OfferedAct:
    try:
        return ACTS[PartnerAct(name)]
    except (ValueError, KeyError) as error:
        raise Http404(_("Nothing of that name can be done to a partner. Go back to its page.")) from error


def _page(
    request: HttpRequest,
    partner: Profile,
    offer: OfferedAct,
    obstacle: dict[str, Any],
    *,
    status: HTTPStatus = HTTPStatus.OK,
    **more: str,
) -> HttpResponse:
    now, name = timezone.now(), {"partner": partner.name}
    context = {
        "offer": offer,
        "title": str(offer.title) % name,
        "button": str(offer.button) % name,
        "tokens": live_tokens.of_partner(partner.id, now),
        "obstacle": obstacle,
        "now": now,
        **more,
    }
    if offer.act in {PartnerAct.PASS_TEST, PartnerAct.ACTIVATE}:
        context["test"] = readiness(partner.id).test
    return partner_page(request, partner, "act", context, status=status)


def _obstacle(request: HttpRequest, partner: Profile, offer: OfferedAct) -> dict[str, Any]:
    """Why the act cannot be done now, or not by this person; empty where it can."""
    state = PartnerState(partner.state)
    if offer.act not in acts_from(state):
        words = _("%(partner)s is in state “%(state)s”, and this does not lead on from there.")
        return {"words": words % {"partner": partner.name, "state": STATES[state]}}
    if offer.act not in {PartnerAct.PASS_TEST, PartnerAct.ACTIVATE}:
        return {}
    found, names = readiness(partner.id), names_of((str(actor_of(request.user)),))
    if found.test is None:
        return {"words": _("It has not been tested since its trusts and mappings last changed."), "is_untested": True}
    if offer.act is PartnerAct.ACTIVATE and not names.isdisjoint(found.first_people):
        words = _("You registered it or made the last change of what its tokens are worth, so somebody else activates.")
        return {"words": words, "who": colleagues(Permission.PARTNERS_WRITE, without=found.first_people)}
    return {}


def _in_words(error: ConfigurationError) -> dict[str, Any]:
    if isinstance(error, SecondPersonNeeded):
        return {"words": str(error), "who": colleagues(Permission.PARTNERS_WRITE, without=error.authors)}
    return {"words": str(error)}
