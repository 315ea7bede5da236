"""The partner's side: what its tokens are worth. It proposes that as a draft, and somebody of ours publishes it.

Audience, conditions on claims and the worth of scopes can be proposed. Everything else stays as it is in force:
expressions in CEL are shown, since they decide about the partner's tokens too, and are ours to write.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from partners import services
from partners.changes import changing
from partners.drafts import compare, work
from partners.errors import ChangedMeanwhile, ConfigurationError, IllegalTransition
from partners.particulars import particulars
from portal.partner_pages.form_parts import object_to
from portal.partner_side import letters, rosters
from portal.partner_side.forms import MappingProposalForm, proposed
from portal.partner_side.pages.door import own_side, side_page
from portal.partner_side.sides import NotYours
from portal.people.events import actor_of
from portal.signing_in.confirming import confirmed

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from partners.declarations import DeclaredMapping
    from partners.drafts import Compared, Work, Written
    from portal.partner_side.sides import Side

PAGE = "mappings/edit"


@own_side
@require_http_methods(["GET", "POST"])
@confirmed
def propose(request: HttpRequest, side: Side, mapping: str) -> HttpResponse:
    """Another worth for their tokens, as a draft of the mapping. Nothing of it counts before somebody publishes it."""
    known, current = _in_force(side, mapping)
    context = _context(side, known, current)
    if request.method == "GET":
        return side_page(request, side, PAGE, context)
    context["form"] = form = MappingProposalForm(request.POST, targets=_offered(side, current))
    if context["obstacle"]:
        return side_page(request, side, PAGE, context, status=HTTPStatus.CONFLICT)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if form.is_valid():
        try:
            declared = form.declared(current.declared)
            if declared == current.declared:
                raise IllegalTransition(_("This is what is in force already, so there is nothing to propose."))
            with changing(actor_of(request.user)) as change:
                services.save_draft(change, declared, seen=request.POST.get("stamp", ""))
        except ChangedMeanwhile:
            status = HTTPStatus.CONFLICT
            form.add_error(None, _("It was changed since you opened it, and nothing of yours was sent. Compare both."))
            context |= {**_changed(side, mapping, declared), "form": form}
        except ConfigurationError as error:
            object_to(form, error)
        else:
            letters.tell_owner_of_draft(side, mapping)
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
    theirs = None if is_ours else draft
    offered = _offered(side, current)
    words = _("Somebody here is changing this mapping at this moment, so nothing can be proposed. Ask your contact.")
    return {
        "form": MappingProposalForm(initial=proposed((theirs or current).declared), targets=offered),
        "audience": dict(offered)[current.declared.target],
        "present": proposed(current.declared),
        "mapping": current.declared,
        "draft": theirs,
        "compared": _differing(current.declared, theirs.declared) if theirs else (),
        "stamp": known.stamp,
        "obstacle": words if is_ours else "",
    }


def _changed(side: Side, mapping: str, typed: DeclaredMapping) -> dict[str, Any]:
    """What somebody wrote meanwhile beside what was typed, and the stamp under which that may be sent all the same."""
    known, current = _in_force(side, mapping)
    found = _context(side, known, current)
    theirs: Written = found["draft"] or current
    return {**found, "theirs": theirs, "compared": _differing(theirs.declared, typed)}


def _differing(before: DeclaredMapping, after: DeclaredMapping) -> tuple[Compared, ...]:
    return tuple(line for line in compare(before, after) if line.differs)


def _offered(side: Side, current: Written) -> list[tuple[str, str]]:
    """The audiences they may ask for already, and the one that is theirs by default: no other of ours is told them."""
    found = {current.declared.target: current.declared.target}
    found |= {it.current.target: it.current.audience for it in side.mappings() if it.current is not None}
    usual = particulars(side.partner.slug) if side.partner.default_target else None
    if usual is not None and usual.declared.default_target:
        found[usual.declared.default_target] = side.partner.default_target
    return sorted(found.items())
