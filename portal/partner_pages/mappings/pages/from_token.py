"""Several mappings started from one pasted token: read it, tick what fits, look through each draft, save all together.

Each step is one post to the same address, so it works without JavaScript. The token is read in the first of them and is
in no answer; the drafts are saved in one change, all or none.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from partners import drafts, services
from partners.changes import changing
from partners.errors import ConfigurationError, SeveralRefused
from partners.offers import offers
from portal.partner_pages.frame import partner_of, partner_page
from portal.partner_pages.mappings import several_drafts, suggestions
from portal.partner_pages.mappings.token_form import TokenForm
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.views.doors import needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse

    from partners.profiles import Profile
    from portal.partner_pages.mappings.several_drafts import FirstDraft

PAGE = "mappings/from_token"


@needs(Permission.PARTNERS_WRITE)
@sensitive_post_parameters("token")
@require_http_methods(["GET", "POST"])
def from_token(request: HttpRequest, slug: str) -> HttpResponse:
    """The step that was asked for: the token by itself, what fits it, the drafts, or their saving."""
    partner = partner_of(slug)
    if request.method == "GET":
        return partner_page(request, partner, PAGE, {"token": TokenForm()})
    if "save" in request.POST:
        return _save(request, partner)
    return _propose(request, partner) if "write" in request.POST else _read(request, partner)


def _read(request: HttpRequest, partner: Profile) -> HttpResponse:
    """What the token fits; 422 where it cannot be read."""
    token = TokenForm(request.POST)
    if not token.is_valid():
        return partner_page(request, partner, PAGE, {"token": token}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    claims, offered = token.cleaned_data["token"], offers(partner.id)
    found = several_drafts.fits(claims, offered, drafts.names_taken(partner.id))
    reading = suggestions.read(claims, ())
    alike = {grant.theirs for fit in found for grant in fit.grants}
    context = {
        "token": TokenForm(),
        "reading": reading,
        "fits": found[: several_drafts.MOST],
        "unlike": [scope for scope in reading.unlike if scope not in alike],
        "more": max(len(found) - several_drafts.MOST, 0),
        "trust": next((trust for trust, issuer in offered.issuers if issuer == reading.issuer), ""),
    }
    return partner_page(request, partner, PAGE, context)


def _propose(request: HttpRequest, partner: Profile) -> HttpResponse:
    """A form for each audience that was ticked; 422 where none was, and then the token has to be pasted again."""
    taken = drafts.names_taken(partner.id)
    found = several_drafts.proposed(request.POST, offers(partner.id), taken, request.POST.get("trust", ""))
    if found:
        return _drafts(request, partner, found)
    context = {"token": TokenForm(), "nothing_ticked": True}
    return partner_page(request, partner, PAGE, context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _save(request: HttpRequest, partner: Profile) -> HttpResponse:
    """All that are ticked, in one change. 422 with what is wrong of each, 409 where somebody else was there first."""
    typed = several_drafts.typed(request.POST, offers(partner.id))
    declared, refusal = several_drafts.declared(typed, partner.slug), ""
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if declared:
        try:
            with changing(actor_of(request.user)) as change:
                services.save_first_drafts(change, declared)
        except SeveralRefused as refused:
            if several_drafts.object_to_each(typed, refused):
                status = HTTPStatus.CONFLICT
        except ConfigurationError as error:
            refusal, status = str(error), HTTPStatus.CONFLICT
        else:
            return _saved(request, partner, [mapping.name for mapping in declared])
    elif not any(draft.is_kept for draft in typed):
        refusal = _("No draft is ticked, so none was saved. Tick those that are to be saved, or leave them all.")
    return _drafts(request, partner, typed, refusal=refusal, status=status)


def _saved(request: HttpRequest, partner: Profile, names: Sequence[str]) -> HttpResponse:
    words = ngettext(
        "%(count)d draft was saved: %(names)s. Open it to publish it.",
        "%(count)d drafts were saved: %(names)s. Open each to publish it.",
        len(names),
    )
    messages.success(request, words % {"count": len(names), "names": ", ".join(names)})
    return redirect("partners-mappings", partner.slug)


def _drafts(
    request: HttpRequest,
    partner: Profile,
    found: Sequence[FirstDraft],
    *,
    refusal: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    context: dict[str, Any] = {
        "drafts": found,
        "refusal": refusal,
        "has_errors": bool(refusal) or any(draft.form.errors for draft in found),
    }
    return partner_page(request, partner, "mappings/first_drafts", context, status=status)
