"""The partner's side: what its scopes are worth. It proposes that as a draft, and somebody of ours publishes it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from partners import services
from partners.changes import changing
from partners.checking import read, write
from partners.drafts import work
from partners.errors import ChangedMeanwhile, ConfigurationError
from partners.vocabulary import Kind
from portal.partner_pages import mapping_texts as texts
from portal.partner_pages.form_fields import object_to
from portal.partner_side import rosters
from portal.partner_side.forms import GrantsForm
from portal.partner_side.sides import NotYours
from portal.people.events import actor_of
from portal.signing_in.confirming import confirmed
from portal.views.own_side import own_side, side_page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from partners.drafts import Work, Written
    from portal.partner_side.sides import Side

PAGE = "mappings/edit"


@own_side
@require_http_methods(["GET", "POST"])
@confirmed
def propose(request: HttpRequest, side: Side, mapping: str) -> HttpResponse:
    """Other worth for their scopes, as a draft of the mapping. Nothing of it counts before somebody publishes it."""
    known, current = _in_force(side, mapping)
    context = _context(side, known, current)
    if request.method == "GET" or context["obstacle"]:
        status = HTTPStatus.OK if request.method == "GET" else HTTPStatus.CONFLICT
        return side_page(request, side, PAGE, context, status=status)
    context["form"] = form = GrantsForm(request.POST)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if form.is_valid():
        try:
            document = {**write(current.declared), "grants": form.cleaned_data["grants"]}
            declared: Any = read(Kind.MAPPING, document)
            with changing(actor_of(request.user)) as change:
                services.save_draft(change, declared, seen=request.POST.get("stamp", ""))
        except ChangedMeanwhile:
            status = HTTPStatus.CONFLICT
            form.add_error(None, _("It was changed since you opened it. Compare both, then propose yours again."))
        except ConfigurationError as error:
            object_to(form, error)
        else:
            return redirect("connect")
    return side_page(request, side, PAGE, context, status=status)


@own_side
@require_POST
@confirmed
def withdraw(request: HttpRequest, side: Side, mapping: str) -> HttpResponse:
    """Take the own draft back; what is in force stays."""
    known, current = _in_force(side, mapping)
    context = _context(side, known, current)
    try:
        if not context["obstacle"]:
            with changing(actor_of(request.user)) as change:
                services.discard_draft(change, side.partner.slug, mapping, seen=request.POST.get("stamp", ""))
            return redirect("connect")
    except ChangedMeanwhile:
        context["obstacle"] = _("It was changed since you opened it. Nothing was withdrawn. Load the page again.")
    except ConfigurationError as error:
        context["obstacle"] = str(error)
    return side_page(request, side, PAGE, context, status=HTTPStatus.CONFLICT)


def _in_force(side: Side, mapping: str) -> tuple[Work, Written]:
    """What there is under the name, and the version in force. Raises ``NotYours``."""
    known = work(side.partner.id, mapping)
    if known.current is None:
        raise NotYours("mapping", mapping)
    return known, known.current


def _context(side: Side, known: Work, current: Written) -> dict[str, Any]:
    """The form over their own draft, or over what is in force; while one of ours writes, why it is not open."""
    draft, is_ours = known.draft, False
    if draft is not None:
        is_ours = not rosters.has(side.partner.id, draft.author)
    shown = current if draft is None or is_ours else draft
    words = _("Somebody here is changing this mapping at this moment, so nothing can be proposed. Ask your contact.")
    return {
        "form": GrantsForm(initial={"grants": texts.in_pairs(shown.declared.grants)}),
        "present": texts.in_pairs(current.declared.grants),
        "mapping": current.declared,
        "has_draft": draft is not None and not is_ours,
        "stamp": known.stamp,
        "obstacle": words if is_ours else "",
    }
