"""A partner's clients: listed, registered, suspended, given new secrets. A secret is shown once, when it is made."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.http import Http404
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from partners import profiles, services
from partners.changes import changing, supposing
from partners.errors import ConfigurationError
from partners.offers import offers
from partners.states import ClientState
from policy.parties import ClientAuthentication
from portal.partner_pages.clients import workload_forms
from portal.partner_pages.clients.forms import BY_SECRET, OTHERWISE, ClientForm, SecretForm
from portal.partner_pages.deeds import Deed, deed_page
from portal.partner_pages.examining import examine_anew
from portal.partner_pages.form_parts import object_to
from portal.partner_pages.frame import partner_of, partner_page
from portal.partner_pages.reviewing import digest_of
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.views.doors import needs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrPromise

    from partners.changes import Change
    from partners.declarations import DeclaredClient
    from partners.profiles import Client, Profile

NEW = "clients/new"

_ACTS: Final[Mapping[str, tuple[_StrPromise, _StrPromise, Callable[[Change, str], object]]]] = {
    "suspend": (
        gettext_lazy("Suspend %(client)s"),
        gettext_lazy(
            "From its next request on it gets the answer of an unknown client, and tokens that were issued to it are no"
            " longer good. Reinstating it undoes this."
        ),
        services.suspend_client,
    ),
    "reinstate": (
        gettext_lazy("Reinstate %(client)s"),
        gettext_lazy("It is served again from its next request on, with the secrets and keys that it has."),
        services.reinstate_client,
    ),
}


@needs(Permission.PARTNERS_READ)
@require_GET
def clients(request: HttpRequest, slug: str) -> HttpResponse:
    """The partner's clients: how they authenticate, what they may ask for. Never a secret."""
    partner, now = partner_of(slug), timezone.now()
    return partner_page(request, partner, "clients", {"clients": profiles.clients(partner.id), "now": now})


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """Register a client. A secret is shown in the answer and nowhere else; a platform's issuer is looked at first."""
    partner = partner_of(slug)
    offered = offers(partner.id)
    if request.method == "GET":
        begun = workload_forms.started_from(request.GET.get("platform", ""))
        method = ClientAuthentication.WORKLOAD_JWT if begun else BY_SECRET
        form = ClientForm(initial={**workload_forms.NEW, **begun, "name": f"{slug}-exchange", "method": method})
        return partner_page(request, partner, NEW, {"form": form, "scopes": offered.scopes})
    form, context, status = ClientForm(request.POST), {"scopes": offered.scopes}, HTTPStatus.UNPROCESSABLE_ENTITY
    if form.is_valid():
        try:
            declared = form.declared(slug)
            looked = _looked_at(request, declared)
            if looked is None:
                return _registered(request, slug, declared.name, _register(request, declared))
            context, status = context | looked, HTTPStatus.OK
        except ConfigurationError as error:
            object_to(form, error, OTHERWISE)
    return partner_page(request, partner, NEW, {"form": form, **context}, status=status)


def _looked_at(request: HttpRequest, declared: DeclaredClient) -> dict[str, Any] | None:
    """What its platform publishes now, before it may vouch for the client; None once that was seen, or there is none.

    Raises ``ConfigurationError``: what would be refused then is refused here already.
    """
    digest = digest_of(declared)
    if declared.workload is None or declared.workload.jwks is not None or request.POST.get("confirmed") == digest:
        return None
    with supposing(actor_of(request.user)) as change:
        services.register_client(change, declared)
    return {"examination": examine_anew(None, declared.workload, request.user.pk or UUID(int=0)), "digest": digest}


def _register(request: HttpRequest, declared: DeclaredClient) -> str:
    """Write it down; answers its secret where it has one. Raises ``ConfigurationError``."""
    with changing(actor_of(request.user)) as change:
        services.register_client(change, declared)
        return services.generate_secret(change, declared.name) if BY_SECRET in declared.methods else ""


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def secret(request: HttpRequest, slug: str, client_id: str) -> HttpResponse:
    """Another secret beside the present one, which ends when it was said; so nothing stops in between."""
    partner = partner_of(slug)
    client = _client(partner, client_id)
    if request.method == "GET":
        form = SecretForm(initial={"older_ends": "24"})
        return partner_page(request, partner, "clients/secret", {"form": form, "client": client})
    form, now = SecretForm(request.POST), timezone.now()
    if form.is_valid():
        try:
            with changing(actor_of(request.user)) as change:
                made = services.generate_secret(change, client_id, older_ends_at=form.older_ends_at(now))
        except ConfigurationError as error:
            object_to(form, error)
        else:
            return _registered(request, slug, client_id, made)
    context = {"form": form, "client": client}
    return partner_page(request, partner, "clients/secret", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def act(request: HttpRequest, slug: str, client_id: str, act: str) -> HttpResponse:
    """Suspend a client or reinstate it: what that means, and the button."""
    partner = partner_of(slug)
    client = _client(partner, client_id)
    if act not in _ACTS:
        raise Http404(_("Nothing of that name can be done to a client. Go back to the partner's clients."))
    title, words, service = _ACTS[act]
    is_possible = (client.state == ClientState.ACTIVE) is (act == "suspend")
    deed = Deed(
        page="clients/act",
        do=lambda change: service(change, client_id),
        done="partners-clients",
        obstacle="" if is_possible else _("It is so already. Nothing is left to do."),
    )
    context = {"client": client, "words": words, "is_dangerous": act == "suspend"}
    return deed_page(request, partner, deed, {**context, "title": str(title) % {"client": client_id}})


def _registered(request: HttpRequest, slug: str, client_id: str, secret: str) -> HttpResponse:
    """On to the list, or with a secret to the one page that ever shows it; no cache keeps that page."""
    if not secret:
        return redirect("partners-clients", slug)
    return partner_page(request, partner_of(slug), "clients/made", {"client_id": client_id, "secret": secret})


def _client(partner: Profile, client_id: str) -> Client:
    found = next((client for client in profiles.clients(partner.id) if client.client_id == client_id), None)
    if found is None:
        raise Http404(_("%(partner)s has no client of this id.") % {"partner": partner.name})
    return found
