"""A partner's mappings as they are written: drafts, comparisons, publishing by a second person, withdrawal."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from exchange import golden
from partners import drafts, profiles, services
from partners.changes import changing
from partners.drafts import compare, work
from partners.errors import ChangedMeanwhile, ConfigurationError, SecondPersonNeeded
from partners.humans import names_of
from partners.offers import offers
from partners.states import MappingState
from portal.partner_pages.deeds import Deed, deed_page
from portal.partner_pages.form_parts import object_to
from portal.partner_pages.frame import partner_of, partner_page
from portal.partner_pages.mappings.forms import MappingForm, initial_of, initial_of_a_new_one
from portal.partner_pages.mappings.token_form import TokenForm
from portal.partner_pages.onboarding_steps import after_step
from portal.partner_side import second_people
from portal.people.colleagues import colleagues
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.signing_in.confirming import confirmed
from portal.simulator.shadow_lists import evidence
from portal.views.doors import needs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from partners.drafts import Work, Written
    from partners.profiles import Profile
    from portal.simulator.shadow_lists import Evidence

DRAFT = "mappings/edit"
COMPARISON = "mappings/compare"


@needs(Permission.PARTNERS_READ)
@require_GET
def mappings(request: HttpRequest, slug: str) -> HttpResponse:
    """What a token of the partner can become, with every version that was ever published."""
    partner = partner_of(slug)
    return partner_page(request, partner, "mappings", {"mappings": profiles.mappings(partner.id)})


@needs(Permission.PARTNERS_WRITE)
@sensitive_post_parameters("token")
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """Write the first version of a mapping, as a draft."""
    partner = partner_of(slug)
    offered = offers(partner.id)
    if request.method == "POST":
        return _save(request, partner, MappingForm(offered, request.POST))
    form = MappingForm(offered, initial=initial_of_a_new_one(offered))
    return _form_page(request, partner, {"form": form, "scopes": offered.scopes})


@needs(Permission.PARTNERS_WRITE)
@sensitive_post_parameters("token")
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Write the next version of a mapping, as a draft."""
    partner = partner_of(slug)
    known, offered = _work(partner, name), offers(partner.id)
    if request.method == "POST":
        return _save(request, partner, MappingForm(offered, request.POST, name=name), name)
    written = known.draft or known.current or known.versions[0]
    form = MappingForm(offered, initial=initial_of(written.declared), name=name)
    context = {"form": form, "name": name, "stamp": known.stamp, "scopes": offered.scopes, "draft": known.draft}
    return _form_page(request, partner, context)


@needs(Permission.PARTNERS_READ)
@require_GET
def versions(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Two versions of a mapping side by side: by default the draft, or the newest, and the one in force before it."""
    partner = partner_of(slug)
    return _comparison(request, partner, name, _work(partner, name))


@needs(Permission.MAPPINGS_PUBLISH)
@require_POST
@confirmed
def publish(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """The draft comes into force, unless its author or an old page asks for it."""
    partner = partner_of(slug)
    try:
        with changing(actor_of(request.user)) as change:
            second_people.require_not_the_inviter(change, slug, name)
            services.publish_draft(change, slug, name, seen=request.POST.get("stamp", ""))
            golden.require_green(change)
    except ConfigurationError as error:
        obstacle: dict[str, Any] = {"words": str(error)}
        if isinstance(error, SecondPersonNeeded):
            obstacle["who"] = colleagues(Permission.MAPPINGS_PUBLISH, without=error.authors)
        known = _work(partner, name)
        return _comparison(request, partner, name, known, obstacle=obstacle, status=HTTPStatus.CONFLICT)
    return redirect(after_step(partner_of(slug), "partners-mappings"))


@needs(Permission.PARTNERS_WRITE)
@require_POST
def discard(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """The draft is gone; what is in force stays."""
    partner = partner_of(slug)
    try:
        with changing(actor_of(request.user)) as change:
            services.discard_draft(change, slug, name, seen=request.POST.get("stamp", ""))
    except ConfigurationError as error:
        known, obstacle = _work(partner, name), {"words": str(error)}
        return _comparison(request, partner, name, known, obstacle=obstacle, status=HTTPStatus.CONFLICT)
    return redirect("partners-mappings", slug)


@needs(Permission.PARTNERS_WRITE)
@require_POST
def restore(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """What an older version says becomes the draft of the next one: nothing is in force by that."""
    partner = partner_of(slug)
    known = _work(partner, name)
    chosen = _version(known, request.POST.get("version", ""))
    if chosen is None:
        raise Http404(_("Mapping %(name)s has no such version. Look it up among its versions.") % {"name": name})
    try:
        with changing(actor_of(request.user)) as change:
            services.save_draft(change, chosen.declared, seen=request.POST.get("stamp", ""))
    except ConfigurationError as error:
        obstacle = {"words": str(error)}
        return _comparison(request, partner, name, known, obstacle=obstacle, status=HTTPStatus.CONFLICT)
    return redirect("partners-mapping-versions", slug, name)


@needs(Permission.MAPPINGS_PUBLISH)
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """No version is in force any more: what that means, and the button."""
    partner = partner_of(slug)
    known = _work(partner, name)
    deed = Deed(
        page="mappings/withdraw",
        do=lambda change: services.withdraw_mapping(change, slug, name),
        done="partners-mappings",
        obstacle="" if known.current else _("No version of it is in force, so there is nothing to withdraw."),
    )
    return deed_page(request, partner, deed, {"name": name, "current": known.current})


def _work(partner: Profile, name: str) -> Work:
    known = work(partner.id, name)
    if not known.versions:
        raise Http404(_("%(partner)s has no mapping of this name.") % {"partner": partner.name})
    return known


def _save(request: HttpRequest, partner: Profile, form: MappingForm, name: str = "") -> HttpResponse:
    """The draft as it was typed; 422 with what is wrong, 409 with what somebody else wrote meanwhile."""
    seen, theirs, status = request.POST.get("stamp", ""), None, HTTPStatus.UNPROCESSABLE_ENTITY
    if form.is_valid():
        try:
            declared = form.declared(partner.slug)
            with changing(actor_of(request.user)) as change:
                services.save_draft(change, declared, seen=seen)
        except ChangedMeanwhile as error:
            known, status = work(partner.id, declared.name), HTTPStatus.CONFLICT
            theirs, seen = known.draft or known.versions[0], known.stamp
            form.add_error(None, str(error))
        except ConfigurationError as error:
            object_to(form, error, {"trust": "source"})
        else:
            return redirect("partners-mapping-versions", partner.slug, declared.name)
    context = {"form": form, "name": name, "stamp": seen, "scopes": offers(partner.id).scopes, "theirs": theirs}
    if theirs is not None:
        context["compared"] = compare(theirs.declared, declared)
    return _form_page(request, partner, context, status=status)


def _form_page(
    request: HttpRequest, partner: Profile, context: dict[str, Any], *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    return partner_page(request, partner, DRAFT, {**context, "token": TokenForm()}, status=status)


def _comparison(
    request: HttpRequest,
    partner: Profile,
    name: str,
    known: Work,
    *,
    obstacle: dict[str, Any] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    later = _version(known, request.GET.get("to", "")) or known.draft or known.versions[0]
    before = _version(known, request.GET.get("from", "")) or _before(known, later)
    context = {
        "name": name,
        "known": known,
        "later": later,
        "before": before,
        "compared": compare(before.declared if before else None, later.declared),
        "obstacle": obstacle or _own_draft(request, partner, known),
        "refused": obstacle is not None,
        "evidence": _evidence(partner, name, later),
    }
    return partner_page(request, partner, COMPARISON, context, status=status)


def _evidence(partner: Profile, name: str, later: Written) -> Evidence | None:
    """What is known of a draft's doing; None where it is no draft, or there is nothing real that it could change."""
    if later.state != MappingState.DRAFT or not drafts.needs_second_person(partner.state):
        return None
    return evidence(partner.id, name, later.id, later.saved_at)


def _before(known: Work, later: Written) -> Written | None:
    """What is in force, or for that and for older ones the version before."""
    if known.current is not None and known.current.version < later.version:
        return known.current
    return next((version for version in known.versions if version.version < later.version), None)


def _version(known: Work, number: str) -> Written | None:
    return known.version(int(number)) if number.isdecimal() and len(number) < 10 else None  # noqa: PLR2004 - an integer


def _own_draft(request: HttpRequest, partner: Profile, known: Work) -> dict[str, Any]:
    """Why the reader may not publish the draft, where that is so."""
    actor, draft = actor_of(request.user), known.draft
    if draft is None or not drafts.needs_second_person(partner.state):
        return {}
    if f"user:{draft.author}" in names_of((str(actor),)):
        words = _("You wrote this draft, so somebody else publishes it.")
    elif second_people.let_in(actor, partner.id, draft.author):
        words = second_people.words_for(draft.author)
    else:
        return {}
    return {"words": words, "who": colleagues(Permission.MAPPINGS_PUBLISH, without=(str(actor),))}
