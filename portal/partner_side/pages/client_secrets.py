"""The partner's side: the secrets of its clients, rotated with an overlap so that nothing stops in between."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from partners import services
from partners.changes import changing
from partners.errors import ConfigurationError
from policy.parties import ClientAuthentication
from portal.partner_pages.clients.forms import SecretForm
from portal.partner_pages.form_parts import object_to
from portal.partner_side.pages.door import own_side, side_page
from portal.people.events import actor_of
from portal.signing_in.confirming import confirmed

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


def _without_secret(client: Client) -> str:
    """Why it can have no secret; empty where it can."""
    return "" if BY_SECRET & set(client.methods) else _("This client proves itself by a key, so it has no secret.")
