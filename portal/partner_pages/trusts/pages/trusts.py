"""A partner's trusts as they are written: add one, examine its issuer first, confirm changed keys, withdraw."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from partners import key_sources, profiles, services
from partners.changes import changing
from partners.errors import ConfigurationError
from partners.key_sources import NothingToConfirm
from partners.states import KeyMethod, TrustState
from partners.waiting_keys import waiting_keys
from portal.form_fields import as_sent
from portal.partner_pages.deeds import Deed, deed_page
from portal.partner_pages.examining import examine
from portal.partner_pages.form_parts import object_to
from portal.partner_pages.frame import partner_of, partner_page
from portal.partner_pages.onboarding_steps import after_step
from portal.partner_pages.trusts.forms import USUAL_ALGORITHMS, TrustForm
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.views.doors import needs
from portal.views.fragments import wants_part

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from partners.profiles import Profile, Trust

NEW = "trust/new"


@needs(Permission.PARTNERS_READ)
@require_GET
def trusts(request: HttpRequest, slug: str) -> HttpResponse:
    """Whose tokens are accepted for this partner, under which conditions, and with which keys."""
    return _page(request, partner_of(slug))


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """Accept an issuer's tokens for the partner."""
    partner = partner_of(slug)
    if request.method == "GET":
        initial = {"name": f"{slug}-idp"[:63], "method": KeyMethod.DISCOVERY, "algorithms": USUAL_ALGORITHMS}
        return partner_page(request, partner, NEW, {"form": TrustForm(initial=initial)})
    form = TrustForm(request.POST)
    if form.is_valid():
        try:
            declared = form.declared(slug)
            with changing(actor_of(request.user)) as change:
                services.add_trust(change, declared)
        except ConfigurationError as error:
            object_to(form, error)
        else:
            return redirect(after_step(partner_of(slug), "partners-trust"))
    return partner_page(request, partner, NEW, {"form": form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@needs(Permission.PARTNERS_WRITE)
@require_POST
def check(request: HttpRequest, slug: str) -> HttpResponse:
    """What an issuer publishes now, check by check. Nothing of it is kept, and nothing that was typed is lost."""
    partner = partner_of(slug)
    examination, complaint = examine(request.POST, request.user.pk or UUID(int=0))
    context: dict[str, Any] = {"examination": examination, "complaint": complaint}
    if wants_part(request):
        return render(request, "partners/trust/_checks.html", context)
    form = TrustForm(initial=as_sent(TrustForm, request.POST))
    return partner_page(request, partner, NEW, {"form": form, **context})


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """The issuer's tokens stop being accepted, and its mappings go with it: what that reaches, and the button."""
    partner = partner_of(slug)
    trust = _trust(partner, name)
    deed = Deed(
        page="trust/withdraw",
        do=lambda change: services.withdraw_trust(change, slug, name),
        done="partners-trust",
        obstacle=_("It is withdrawn already, which is final.") if trust.state == TrustState.WITHDRAWN else "",
    )
    mine = [mapping for mapping in profiles.mappings(partner.id) if mapping.current and mapping.current.trust == name]
    return deed_page(request, partner, deed, {"trust": trust, "leaving": mine})


@needs(Permission.PARTNERS_WRITE)
@require_POST
def confirm(request: HttpRequest, slug: str, source: UUID) -> HttpResponse:
    """Take the keys, or the address of keys, that were held back because they changed too much at once."""
    partner = partner_of(slug)
    if source not in {waiting.source_id for waiting in waiting_keys(partner.id)}:
        complaint = _("Nothing of that key source waits for confirmation any more. What is in force stands below.")
        return _page(request, partner, complaint)
    address = request.POST.get("jwks_uri", "")
    try:
        with changing(actor_of(request.user)) as change:
            if address:
                key_sources.confirm_jwks_uri(change, source, address)
            else:
                key_sources.confirm_keys(change, source)
    except NothingToConfirm as error:
        return _page(request, partner, str(error))
    return redirect("partners-trust", slug)


def _page(request: HttpRequest, partner: Profile, complaint: str = "") -> HttpResponse:
    now = timezone.now()
    described = [(entry, entry.source.health(now)) for entry in profiles.trusts(partner.id)]
    context = {"trusts": described, "now": now, "waiting": waiting_keys(partner.id), "complaint": complaint}
    status = HTTPStatus.CONFLICT if complaint else HTTPStatus.OK
    return partner_page(request, partner, "trust", context, status=status)


def _trust(partner: Profile, name: str) -> Trust:
    found = next((trust for trust in profiles.trusts(partner.id) if trust.name == name), None)
    if found is None:
        raise Http404(_("%(partner)s has no trust of this name.") % {"partner": partner.name})
    return found
