"""The partner's side: keys that it handed over, its clients' and its issuers', rotated with an overlap in one way.

New keys are added beside those there are, so that nothing stops in between; an old one is removed when nothing signs
with it any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from partners.changes import changing
from partners.errors import ConfigurationError
from partners.states import KeyMethod, TrustState
from portal.partner_pages.form_parts import object_to
from portal.partner_side import key_sets
from portal.partner_side.domains import is_inside
from portal.partner_side.forms import KeysForm
from portal.partner_side.pages.door import own_side, side_page
from portal.people.events import actor_of
from portal.signing_in.confirming import confirmed

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from partners.changes import Change
    from partners.health import KeySource
    from partners.profiles import Client, Trust
    from portal.partner_side.key_sets import Reshape
    from portal.partner_side.sides import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose keys they are, where they are changed, how, and why they cannot be changed here if that is so."""

    heading: str
    name: str
    source: KeySource | None
    obstacle: str
    address: str
    removal: str
    reshape: Callable[[Change, Reshape], None]
    proposal: str = ""
    """Where a change is proposed that is not made here."""


@own_side
@require_http_methods(["GET", "POST"])
@confirmed
def add(request: HttpRequest, side: Side, client_id: str = "", name: str = "") -> HttpResponse:
    """Add new keys beside those there are: a client's, or an issuer's, at once where that is of their domain."""
    holder = _client(side, client_id) if client_id else _issuer(side, name)
    if request.method == "GET":
        return _page(request, side, holder)
    form = KeysForm(request.POST)
    if holder.obstacle:
        return _page(request, side, holder, complaint=holder.obstacle)
    if form.is_valid():
        try:
            with changing(actor_of(request.user)) as change:
                holder.reshape(change, key_sets.added(form.cleaned_data["jwks"]))
        except ConfigurationError as error:
            object_to(form, error)
        else:
            return redirect(holder.address)
    return _page(request, side, holder, form=form)


@own_side
@require_POST
@confirmed
def remove(request: HttpRequest, side: Side, client_id: str = "", name: str = "") -> HttpResponse:
    """Remove one of several keys: what it signs, or signed, is refused from the next request on."""
    holder = _client(side, client_id) if client_id else _issuer(side, name)
    if holder.obstacle:
        return _page(request, side, holder, complaint=holder.obstacle)
    try:
        with changing(actor_of(request.user)) as change:
            holder.reshape(change, key_sets.without(request.POST.get("kid", "")))
    except ConfigurationError as error:
        return _page(request, side, holder, complaint=str(error))
    return redirect(holder.address)


def _page(
    request: HttpRequest, side: Side, holder: Holder, *, form: KeysForm | None = None, complaint: str = ""
) -> HttpResponse:
    """422 with the form that was wrong, 409 with the complaint about what stands in the way, else the page."""
    wrong = HTTPStatus.UNPROCESSABLE_ENTITY if form else HTTPStatus.OK
    context = {"holder": holder, "form": form or KeysForm(), "complaint": complaint}
    return side_page(request, side, "keys", context, status=HTTPStatus.CONFLICT if complaint else wrong)


def _client(side: Side, client_id: str) -> Holder:
    client = side.client(client_id)
    return Holder(
        heading=_("The keys of a client"),
        name=client_id,
        source=client.source,
        obstacle=_obstacle_of_client(client),
        address=reverse("connect-client-keys", args=[client_id]),
        removal=reverse("connect-client-key-remove", args=[client_id]),
        reshape=lambda change, reshape: key_sets.reshape_client(change, side.partner.slug, client_id, reshape),
    )


def _issuer(side: Side, name: str) -> Holder:
    trust = side.trust(name)
    return Holder(
        heading=_("The keys of your issuer"),
        name=trust.issuer,
        source=trust.source,
        obstacle=_obstacle_of_issuer(side, trust),
        address=reverse("connect-keys", args=[name]),
        removal=reverse("connect-key-remove", args=[name]),
        reshape=lambda change, reshape: key_sets.reshape_trust(change, side.partner.slug, name, reshape),
        proposal=reverse("connect-trust", args=[name]),
    )


def _obstacle_of_client(client: Client) -> str:
    """Why its keys cannot be changed here; empty where they can."""
    if client.workload is not None:
        return _("This client is vouched for by its platform, so it has no keys of its own.")
    if client.source is None:
        return _("This client proves itself without a key of its own, so there is none to rotate.")
    if client.source.method != KeyMethod.UPLOADED:
        return _("The keys of this client are fetched from your address: publish new ones there, beside the old.")
    return ""


def _obstacle_of_issuer(side: Side, trust: Trust) -> str:
    """Why they cannot change the keys alone; empty where they can."""
    if trust.state == TrustState.WITHDRAWN:
        return _("This trust was withdrawn, which is final. Propose the issuer again.")
    if trust.source.method != KeyMethod.UPLOADED:
        return _("These keys are fetched from your issuer: publish new ones there, and they are found by themselves.")
    if not is_inside(trust.issuer, side.domain):
        words = _("The issuer is outside %(domain)s, your domain, so a change of its keys is proposed.")
        return words % {"domain": side.domain}
    if not side.is_proved:
        words = _("%(domain)s is not proved yet, so a change of these keys is proposed. Prove it, and you change them.")
        return words % {"domain": side.domain}
    return ""
