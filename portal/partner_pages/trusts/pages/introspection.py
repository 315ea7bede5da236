"""Our secret at an issuer's introspection endpoint: tried there first, kept sealed, never shown (RFC 7662 s2.1)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from exchange.introspection_checks import ask_about_nothing
from partners import services, standing
from partners.changes import changing
from partners.errors import ConfigurationError
from partners.states import TrustState
from portal.partner_pages.frame import partner_of, partner_page
from portal.partner_pages.trusts.introspection_forms import IntrospectionSecretForm, words_of
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.views.doors import needs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from partners.declarations import DeclaredIntrospection, DeclaredTrust
    from partners.profiles import Profile
    from partners.standing import Standing

PAGE = "trust/introspection"


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def secret(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Put the secret. It is sent to the endpoint that the page named, or nowhere: it may have been changed since."""
    partner = partner_of(slug)
    known, where = _asked_at(partner, name)
    context: dict[str, Any] = {"known": known, "where": where, "stamp": known.stamp}
    if request.method != "POST":
        return partner_page(request, partner, PAGE, {**context, "form": IntrospectionSecretForm()})
    form, status = IntrospectionSecretForm(request.POST), HTTPStatus.UNPROCESSABLE_ENTITY
    if request.POST.get("stamp") != known.stamp:
        form.add_error(
            None, _("The trust was changed by somebody else since you opened it. Nothing was sent: look where to.")
        )
        status = HTTPStatus.CONFLICT
    elif form.is_valid():
        asked = ask_about_nothing(where.endpoint, where.client_id, form.cleaned_data["secret"])
        if asked.is_good or form.cleaned_data["anyway"]:
            return _kept(request, partner, form, context)
        form.add_error("secret", " ".join(words_of(asked.answer)))
        context |= {"asked": asked}
    return partner_page(request, partner, PAGE, {**context, "form": form}, status=status)


def _kept(
    request: HttpRequest, partner: Profile, form: IntrospectionSecretForm, context: dict[str, Any]
) -> HttpResponse:
    """On to the trust, or 409 with what somebody else did while the endpoint was asked."""
    name, text = context["known"].declared.name, form.cleaned_data["secret"]
    try:
        with changing(actor_of(request.user)) as change:
            services.put_introspection_secret(change, partner.slug, name, text, seen=context["stamp"])
    except ConfigurationError as error:
        form.add_error(None, str(error))
        return partner_page(request, partner, PAGE, {**context, "form": form}, status=HTTPStatus.CONFLICT)
    return redirect("partners-trust", partner.slug)


def _asked_at(partner: Profile, name: str) -> tuple[Standing[DeclaredTrust], DeclaredIntrospection]:
    known = standing.trust(partner.id, name)
    if known is None or known.state == TrustState.WITHDRAWN or known.declared.introspection is None:
        raise Http404(
            _("%(partner)s has no trust of this name with an introspection endpoint. Name one in the trust first.")
            % {"partner": partner.name}
        )
    return known, known.declared.introspection
