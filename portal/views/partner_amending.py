"""A partner's clients and trusts, changed: keys beside keys, methods, limits, conditions; first what it would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from exchange.examining import examine_issuer, examine_key_set
from exchange.introspection_checks import ask_about_nothing
from partners import profiles, services, standing
from partners.offers import offers
from partners.states import TrustState
from policy.parties import ClientAuthentication
from portal.partner_pages import client_amending, introspection_forms, trust_amending, workload_forms
from portal.partner_pages.client_amending import ClientAmendingForm
from portal.partner_pages.trust_amending import TrustAmendingForm
from portal.permissions import Permission
from portal.views.amending import Amendment, amend
from portal.views.doors import needs
from portal.views.partner_frame import partner_of, partner_page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from exchange.examining import Examination
    from partners.declarations import DeclaredClient, DeclaredTrust, DeclaredWorkload

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
            look=lambda before, after: {"examination": _platform(before, after, request)},
        )
        return amend(request, partner, amendment, known)
    initial = client_amending.initial_of(known.declared)
    if begun := workload_forms.started_from(request.GET.get("platform", "")):
        initial |= begun | {"methods": [ClientAuthentication.WORKLOAD_JWT.value], "place": client_amending.NOWHERE}
    form = ClientAmendingForm(known.declared, initial=initial)
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
            otherwise=introspection_forms.OTHERWISE,
            look=lambda before, after: {
                "reached": mine,
                "examination": _examined(before, after, request),
                **_asked(before, after),
            },
        )
        return amend(request, partner, amendment, known)
    form = TrustAmendingForm(known.declared, initial=trust_amending.initial_of(known.declared))
    context = {"form": form, "known": known, "stamp": known.stamp}
    return partner_page(request, partner, TRUST, context)


def _examined(before: DeclaredTrust, after: DeclaredTrust, request: HttpRequest) -> Examination | None:
    """What the issuer publishes now, where the change makes us read it elsewhere: its name is compared anew."""
    return None if _place(after) == _place(before) else _read_there(after, request)


def _platform(before: DeclaredClient, after: DeclaredClient, request: HttpRequest) -> Examination | None:
    """What the platform publishes now, where another one is to vouch for the client, or its keys are elsewhere."""
    if after.workload is None or _place(after.workload) == _place(before.workload):
        return None
    return _read_there(after.workload, request)


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


def _place(where: DeclaredTrust | DeclaredWorkload | None) -> tuple[str, str | None, bool] | None:
    return None if where is None else (where.issuer, where.jwks_uri, bool(where.jwks))


def _read_there(where: DeclaredTrust | DeclaredWorkload, request: HttpRequest) -> Examination | None:
    if where.jwks is not None:
        return None
    who = request.user.pk or UUID(int=0)
    return examine_issuer(where.issuer, who) if where.jwks_uri is None else examine_key_set(where.jwks_uri, who)
