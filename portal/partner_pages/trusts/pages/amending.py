"""A partner's trust, changed: whose tokens, by which keys, under which conditions; first what it would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from exchange.introspection_checks import ask_about_nothing
from partners import profiles, services, standing
from partners.states import TrustState
from portal.partner_pages.amending import Amendment, amend
from portal.partner_pages.examining import examine_anew
from portal.partner_pages.frame import partner_of, partner_page
from portal.partner_pages.trusts import amending, introspection_forms
from portal.partner_pages.trusts.amending import TrustAmendingForm
from portal.permissions import Permission
from portal.views.doors import needs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from partners.declarations import DeclaredTrust

PAGE = "trust/edit"


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Change what a trust accepts and what that is worth. A withdrawn one is final, and says so."""
    partner = partner_of(slug)
    known = standing.trust(partner.id, name)
    if known is None or known.state == TrustState.WITHDRAWN:
        raise Http404(_("%(partner)s has no trust of this name in force.") % {"partner": partner.name})
    mine = [mapping for mapping in profiles.mappings(partner.id) if mapping.current and mapping.current.trust == name]
    if request.method == "POST":
        amendment = Amendment(
            tab=PAGE,
            form=TrustAmendingForm(known.declared, request.POST),
            standing=lambda: standing.trust(partner.id, name),
            save=lambda change, declared, seen: services.change_trust(change, declared, seen=seen),
            done="partners-trust",
            otherwise=introspection_forms.OTHERWISE,
            look=lambda before, after: {
                "reached": mine,
                "examination": examine_anew(before, after, request.user.pk or UUID(int=0)),
                **_asked(before, after),
            },
        )
        return amend(request, partner, amendment, known)
    form = TrustAmendingForm(known.declared, initial=amending.initial_of(known.declared))
    context = {"form": form, "known": known, "stamp": known.stamp}
    return partner_page(request, partner, PAGE, context)


def _asked(before: DeclaredTrust, after: DeclaredTrust) -> dict[str, Any]:
    """What a new introspection endpoint answers, and that the secret of the former place goes with it."""
    was, will_be = before.introspection, after.introspection
    if was and will_be and (was.endpoint, was.client_id) == (will_be.endpoint, will_be.client_id):
        return {}
    found: dict[str, Any] = {"forgets_secret": was is not None}
    if will_be is not None:
        asked = ask_about_nothing(will_be.endpoint, will_be.client_id, None)
        found |= {"asked": asked, "asked_words": introspection_forms.words_of(asked.answer)}
    return found
