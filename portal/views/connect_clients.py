"""The partner's side: the secrets and keys of its clients, rotated with an overlap so that nothing stops in between."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from partners import services
from partners.changes import changing
from partners.errors import ConfigurationError, IllegalTransition
from partners.states import KeyMethod
from policy.parties import ClientAuthentication
from portal.partner_pages.client_forms import SecretForm
from portal.partner_pages.form_fields import object_to
from portal.partner_side import key_sets
from portal.partner_side.forms import KeysForm
from portal.people.events import actor_of
from portal.signing_in.confirming import confirmed
from portal.views.own_side import own_side, side_page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from partners.profiles import Client
    from portal.partner_side.sides import Side

BY_SECRET = {ClientAuthentication.CLIENT_SECRET_BASIC.value, ClientAuthentication.CLIENT_SECRET_POST.value}


@own_side
@require_http_methods(["GET", "POST"])
@confirmed
def secret(request: HttpRequest, side: Side, client_id: str) -> HttpResponse:
    """Another secret beside the present one, which ends when it was said. It is shown once, in the answer."""
    client = side.client(client_id)
    context: dict[str, Any] = {"client": client, "obstacle": _without_secret(client)}
    context["form"] = form = SecretForm(
        request.POST if request.method == "POST" else None, initial={"older_ends": "24"}
    )
    if request.method == "GET" or context["obstacle"]:
        status = HTTPStatus.OK if request.method == "GET" else HTTPStatus.CONFLICT
        return side_page(request, side, "clients/secret", context, status=status)
    if form.is_valid():
        try:
            with changing(actor_of(request.user)) as change:
                ends_at = form.older_ends_at(timezone.now())
                made = services.generate_secret(change, client_id, older_ends_at=ends_at)
        except ConfigurationError as error:
            object_to(form, error)
        else:
            return side_page(request, side, "clients/made", {"client": client, "secret": made})
    return side_page(request, side, "clients/secret", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@own_side
@require_http_methods(["GET", "POST"])
@confirmed
def keys(request: HttpRequest, side: Side, client_id: str) -> HttpResponse:
    """The keys of a client: new ones are added beside those there are."""
    client = side.client(client_id)
    context: dict[str, Any] = {"client": client, "obstacle": _without_keys(client), "form": KeysForm()}
    if request.method == "GET" or context["obstacle"]:
        status = HTTPStatus.OK if request.method == "GET" else HTTPStatus.CONFLICT
        return side_page(request, side, "clients/keys", context, status=status)
    context["form"] = form = KeysForm(request.POST)
    if form.is_valid():
        try:
            with changing(actor_of(request.user)) as change:
                new = key_sets.added(form.cleaned_data["jwks"])
                key_sets.reshape_client(change, side.partner.slug, client_id, new)
        except ConfigurationError as error:
            object_to(form, error)
        else:
            return redirect("connect-client-keys", client_id)
    return side_page(request, side, "clients/keys", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@own_side
@require_POST
@confirmed
def remove_key(request: HttpRequest, side: Side, client_id: str) -> HttpResponse:
    """Remove one of several keys: what it signs is refused from the next request on."""
    client = side.client(client_id)
    try:
        with changing(actor_of(request.user)) as change:
            if words := _without_keys(client):
                raise IllegalTransition(words)
            left = key_sets.without(request.POST.get("kid", ""))
            key_sets.reshape_client(change, side.partner.slug, client_id, left)
    except ConfigurationError as error:
        context = {"client": client, "obstacle": _without_keys(client), "form": KeysForm(), "complaint": str(error)}
        return side_page(request, side, "clients/keys", context, status=HTTPStatus.CONFLICT)
    return redirect("connect-client-keys", client_id)


def _without_secret(client: Client) -> str:
    """Why it can have no secret; empty where it can."""
    return "" if BY_SECRET & set(client.methods) else _("This client proves itself by a key, so it has no secret.")


def _without_keys(client: Client) -> str:
    """Why its keys cannot be changed here; empty where they can."""
    if client.workload is not None:
        return _("This client is vouched for by its platform, so it has no keys of its own.")
    if client.source is None:
        return _("This client proves itself without a key of its own, so there is none to rotate.")
    if client.source.method != KeyMethod.UPLOADED:
        return _("The keys of this client are fetched from your address: publish new ones there, beside the old.")
    return ""
