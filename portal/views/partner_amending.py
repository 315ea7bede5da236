"""A partner's clients and trusts, changed: keys beside keys, methods, limits, conditions; first what it would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from exchange.examining import examine_issuer, examine_key_set
from partners import profiles, services, standing
from partners.offers import offers
from partners.states import TrustState
from portal.partner_pages import client_amending, trust_amending
from portal.partner_pages.client_amending import ClientAmendingForm
from portal.partner_pages.trust_amending import TrustAmendingForm
from portal.permissions import Permission
from portal.views.amending import Amendment, amend
from portal.views.doors import needs
from portal.views.partner_frame import partner_of, partner_page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from partners.declarations import DeclaredTrust

CLIENT, TRUST = "clients/edit", "trust/edit"


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def client(request: HttpRequest, slug: str, client_id: str) -> HttpResponse:
    """Change how a client proves who it is, what it may ask for and how much of it."""
    partner = partner_of(slug)
    known = standing.client(partner.id, client_id)
    if known is None:
        raise Http404(_("%(partner)s has no client of this id.") % {"partner": partner.name})
    if request.method == "POST":
        amendment = Amendment(
            tab=CLIENT,
            form=ClientAmendingForm(known.declared, request.POST),
            standing=lambda: standing.client(partner.id, client_id),
            save=lambda change, declared, seen: services.change_client(change, declared, seen=seen),
            done="partners-clients",
            otherwise=client_amending.OTHERWISE,
        )
        return amend(request, partner, amendment, known)
    form = ClientAmendingForm(known.declared, initial=client_amending.initial_of(known.declared))
    context = {"form": form, "known": known, "stamp": known.stamp, "scopes": offers(partner.id).scopes}
    return partner_page(request, partner, CLIENT, context)


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def trust(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Change what a trust accepts and what that is worth. A withdrawn one is final, and says so."""
    partner = partner_of(slug)
    known = standing.trust(partner.id, name)
    if known is None or known.state == TrustState.WITHDRAWN:
        raise Http404(_("%(partner)s has no trust of this name in force.") % {"partner": partner.name})
    mine = [mapping for mapping in profiles.mappings(partner.id) if mapping.current and mapping.current.trust == name]
    if request.method == "POST":
        amendment = Amendment(
            tab=TRUST,
            form=TrustAmendingForm(known.declared, request.POST),
            standing=lambda: standing.trust(partner.id, name),
            save=lambda change, declared, seen: services.change_trust(change, declared, seen=seen),
            done="partners-trust",
            look=lambda before, after: {"reached": mine, "examination": _examined(before, after, request)},
        )
        return amend(request, partner, amendment, known)
    form = TrustAmendingForm(known.declared, initial=trust_amending.initial_of(known.declared))
    context = {"form": form, "known": known, "stamp": known.stamp}
    return partner_page(request, partner, TRUST, context)


def _examined(before: DeclaredTrust, after: DeclaredTrust, request: HttpRequest) -> Any:  # noqa: ANN401 - an examination, or None
    """What the issuer publishes now, where the change makes us read it elsewhere: its name is compared anew."""
    if (after.issuer, after.jwks_uri, bool(after.jwks)) == (before.issuer, before.jwks_uri, bool(before.jwks)):
        return None
    if after.jwks is not None:
        return None
    who = request.user.pk or UUID(int=0)
    return examine_issuer(after.issuer, who) if after.jwks_uri is None else examine_key_set(after.jwks_uri, who)
