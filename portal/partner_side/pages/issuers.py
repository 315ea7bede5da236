"""The partner's side: its issuer. What tokens are accepted it proposes, and somebody of ours approves."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from partners.changes import changing
from partners.errors import ConfigurationError
from partners.states import KeyMethod
from portal.form_fields import as_sent
from portal.partner_pages.examining import examine
from portal.partner_pages.form_parts import object_to
from portal.partner_pages.trusts.forms import USUAL_ALGORITHMS
from portal.partner_side import letters, proposals
from portal.partner_side.forms import OwnIssuerForm
from portal.partner_side.pages.door import own_side, side_page
from portal.partner_side.sides import NotYours
from portal.people.events import actor_of
from portal.signing_in.confirming import confirmed
from portal.views.fragments import wants_part

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from portal.partner_side.sides import Side


@own_side
@require_http_methods(["GET", "POST"])
@confirmed
def new(request: HttpRequest, side: Side) -> HttpResponse:
    """Propose another issuer."""
    return _propose(request, side, "", {"method": KeyMethod.DISCOVERY, "algorithms": USUAL_ALGORITHMS})


@own_side
@require_http_methods(["GET", "POST"])
@confirmed
def change(request: HttpRequest, side: Side, name: str) -> HttpResponse:
    """Propose other fields of a trust in their issuer."""
    trust = side.trust(name)
    initial = {
        "issuer": trust.issuer,
        "method": trust.source.method,
        "jwks_uri": trust.source.location if trust.source.method == KeyMethod.JWKS_URI else "",
        "audiences": " ".join(trust.audiences),
        "algorithms": trust.algorithms,
    }
    return _propose(request, side, name, initial)


@own_side
@require_POST
def check(request: HttpRequest, side: Side) -> HttpResponse:
    """What an issuer publishes now, check by check. Nothing of it is kept, and nothing that was typed is lost."""
    examination, complaint = examine(request.POST, side.person.pk)
    context: dict[str, Any] = {"examination": examination, "complaint": complaint}
    if wants_part(request):
        return side_page(request, side, "issuer/_checks", context)
    known = request.POST.get("known", "")
    if known:
        side.trust(known)
    form = OwnIssuerForm(initial=as_sent(OwnIssuerForm, request.POST))
    return _page(request, side, {"form": form, "known": known, **context})


@own_side
@require_POST
def withdraw(request: HttpRequest, side: Side, proposal_id: UUID) -> HttpResponse:
    """Take a proposal back that nobody decided yet."""
    if proposals.find(side.partner.id, proposal_id) is None:
        raise NotYours("proposal", str(proposal_id))
    try:
        with changing(actor_of(request.user)) as opened:
            proposals.withdraw(opened, side, proposal_id)
    except ConfigurationError as error:
        return side_page(request, side, "refused", {"complaint": str(error)}, status=HTTPStatus.CONFLICT)
    return redirect("connect")


def _propose(request: HttpRequest, side: Side, known: str, initial: dict[str, Any]) -> HttpResponse:
    """Of the trust that is known by this name; of another one where it is empty."""
    if request.method == "GET":
        return _page(request, side, {"form": OwnIssuerForm(initial=initial), "known": known})
    form = OwnIssuerForm(request.POST)
    if form.is_valid():
        try:
            with changing(actor_of(request.user)) as opened:
                proposals.propose(opened, side, known or _free_name(side), form.fields_of_trust())
        except ConfigurationError as error:
            object_to(form, error)
        else:
            letters.tell_owner(side, form.cleaned_data["issuer"])
            return redirect("connect")
    return _page(request, side, {"form": form, "known": known}, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _page(
    request: HttpRequest, side: Side, context: dict[str, Any], *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    return side_page(request, side, "issuer/edit", context, status=status)


def _free_name(side: Side) -> str:
    """The name of a new trust, as our own page would call it; numbered where that one is taken."""
    first = f"{side.partner.slug}-idp"[:60]
    taken = {trust.name for trust in side.trusts()}
    numbered = (f"{first}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (first, *numbered) if name not in taken)
