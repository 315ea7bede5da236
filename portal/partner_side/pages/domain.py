"""The partner's side: its domain, proved by a file on it, so that keys of its issuers change without asking us."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from partners.changes import changing
from portal.partner_side import proving
from portal.partner_side.pages.door import own_side, side_page
from portal.people.events import actor_of
from portal.signing_in.confirming import confirmed

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from portal.partner_side.sides import Side


@own_side
@require_http_methods(["GET", "POST"])
@confirmed
def prove(request: HttpRequest, side: Side) -> HttpResponse:
    """What to put where; and on request a look for it, which tells what was found at each address."""
    context: dict[str, Any] = {
        "domain": side.domain,
        "line": proving.line_of(side.partner.id, side.domain),
        "addresses": proving.addresses_of(side.domain),
        "proof": proving.proof(side.partner.id, side.domain),
    }
    if request.method == "GET":
        return side_page(request, side, "domain", context)
    looked = proving.look(side)
    if looked[-1].problem:
        return side_page(request, side, "domain", {**context, "looked": looked}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    with changing(actor_of(request.user)) as change:
        proving.note(change, side, looked[-1].address)
    return redirect("connect-domain")
