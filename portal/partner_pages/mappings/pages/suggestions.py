"""What a mapping could ask, read from a pasted token: proposed beside the form, and written into it when chosen.

Two posts of the form as it stands, so that nothing typed is lost and it works without JavaScript. Nothing is saved.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from partners.offers import offers
from portal.form_fields import as_sent
from portal.partner_pages.frame import partner_of, partner_page
from portal.partner_pages.mappings import suggestions
from portal.partner_pages.mappings.forms import MappingForm
from portal.partner_pages.mappings.token_form import TokenForm
from portal.permissions import Permission
from portal.views.doors import needs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from partners.offers import Offers
    from portal.partner_pages.mappings.suggestions import Reading


@needs(Permission.PARTNERS_WRITE)
@sensitive_post_parameters("token")
@require_http_methods(["GET", "POST"])
def suggested(request: HttpRequest, slug: str, name: str = "") -> HttpResponse:
    """The form with what a token suggests beside it, or with what was chosen of that written into it."""
    partner = partner_of(slug)
    if request.method == "GET":
        address = [slug, name] if name else [slug]
        return redirect("partners-mapping-edit" if name else "partners-mapping-new", *address)
    offered, typed = offers(partner.id), as_sent(MappingForm, request.POST)
    token, status = TokenForm(), HTTPStatus.OK
    context: dict[str, Any] = {}
    if "add" in request.POST:
        lines = suggestions.chosen(request.POST.getlist("take"))
        typed |= {field: suggestions.added(typed[field], found) for field, found in lines.items()}
        context["added"] = sum(map(len, lines.values()))
    else:
        token = TokenForm(request.POST)
        if token.is_valid():
            written = {field: typed[field] for field in ("rules", "grants")}
            reading = suggestions.read(token.cleaned_data["token"], _scopes(offered, typed["target"]), **written)
            context |= _ground(reading, offered, typed)
        else:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
    form = MappingForm(offered, initial=typed, name=name)
    context |= {"form": form, "token": token, "name": name, "scopes": offered.scopes}
    context["stamp"] = request.POST.get("stamp", "")
    return partner_page(request, partner, "mappings/edit", context, status=status)


def _scopes(offered: Offers, target: str) -> tuple[str, ...]:
    return next((names for known, names in offered.scopes if known == target), ())


def _ground(reading: Reading, offered: Offers, typed: dict[str, Any]) -> dict[str, Any]:
    """What is proposed, and the trust that the token falls under; that becomes the source where one does."""
    trust = next((trust for trust, issuer in offered.issuers if issuer == reading.issuer), "")
    if trust:
        typed["source"] = f"trust:{trust}"
    return {"reading": reading, "trust": trust}
