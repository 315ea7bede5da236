"""The partner's own people, as we see them: who was invited and let in, what they propose, and what we decide."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from django.http import Http404
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from partners.changes import changing
from partners.errors import ConfigurationError
from portal.partner_pages.frame import partner_of, partner_page
from portal.partner_side import invitations, letters, proposals, proving, rosters
from portal.partner_side.forms import AnswerForm, InviteForm
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.signing_in.confirming import confirmed
from portal.views.doors import needs

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from partners.changes import Change
    from partners.profiles import Profile
    from portal.models import User
    from portal.partner_side.proposals import Proposed

log = structlog.get_logger(__name__)

INVITE, MADE, PROPOSAL = "people/invite", "people/made", "people/proposal"


@needs(Permission.PARTNERS_READ)
@require_GET
def people(request: HttpRequest, slug: str) -> HttpResponse:
    """Who of the partner works on its connection, and what they propose."""
    return _page(request, partner_of(slug))


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
@confirmed
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    """Invite the partner's admin: what that brings about, and the link, which is mailed and shown once."""
    partner = partner_of(slug)
    if request.method == "GET":
        return partner_page(request, partner, INVITE, {"form": InviteForm(initial={"email": partner.contact_email})})
    form = InviteForm(request.POST)
    if form.is_valid():
        email, by = form.cleaned_data["email"], _person(request)
        try:
            with changing(actor_of(by)) as change:
                token = invitations.make(change, by, partner, email, anew=form.cleaned_data["anew"])
        except invitations.NotInvited as error:
            form.add_error("email", str(error))
        except ConfigurationError as error:
            form.add_error(None, str(error))
            return partner_page(request, partner, INVITE, {"form": form}, status=HTTPStatus.CONFLICT)
        else:
            return _made(request, partner_of(slug), email, token)
    return partner_page(request, partner, INVITE, {"form": form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@needs(Permission.PARTNERS_WRITE)
@require_POST
@confirmed
def revoke(request: HttpRequest, slug: str, invitation_id: UUID) -> HttpResponse:
    """Take an invitation back, before anybody accepted it."""
    partner = partner_of(slug)
    try:
        with changing(actor_of(request.user)) as change:
            invitations.revoke(change, partner, invitation_id)
    except invitations.NotInvited as error:
        return _page(request, partner, str(error))
    return redirect("partners-people", slug)


@needs(Permission.PARTNERS_WRITE)
@require_POST
@confirmed
def close(request: HttpRequest, slug: str, person_id: UUID) -> HttpResponse:
    """End what somebody of the partner may see and do: their account is closed, their sessions end."""
    partner = partner_of(slug)
    person = rosters.find(partner.id, person_id)
    if person is None:
        raise Http404(_("Nobody of this partner has this account. Look at the list of its people."))
    with changing(actor_of(request.user)) as change:
        rosters.close(change, _person(request), person)
    return redirect("partners-people", slug)


@needs(Permission.PARTNERS_READ)
@require_GET
def proposal(request: HttpRequest, slug: str, proposal_id: UUID) -> HttpResponse:
    """What the partner proposes, beside what is in force."""
    partner = partner_of(slug)
    return _proposal_page(request, partner, _proposal(partner, proposal_id), {"form": AnswerForm()})


@needs(Permission.PARTNERS_WRITE)
@require_POST
@confirmed
def approve(request: HttpRequest, slug: str, proposal_id: UUID) -> HttpResponse:
    """Put a proposal into force."""
    partner = partner_of(slug)
    _proposal(partner, proposal_id)
    return _settled(
        request,
        partner,
        proposal_id,
        lambda change: proposals.approve(change, slug, partner.id, proposal_id),
        form=AnswerForm(),
        done="partners-trust",
    )


@needs(Permission.PARTNERS_WRITE)
@require_POST
@confirmed
def decline(request: HttpRequest, slug: str, proposal_id: UUID) -> HttpResponse:
    """Say no to a proposal, in words that the partner reads."""
    partner = partner_of(slug)
    shown, form = _proposal(partner, proposal_id), AnswerForm(request.POST)
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _proposal_page(request, partner, shown, {"form": form}, status=status)
    return _settled(
        request,
        partner,
        proposal_id,
        lambda change: proposals.decline(change, partner.id, proposal_id, form.cleaned_data["answer"]),
        form=form,
        done="partners-people",
    )


def _settled(
    request: HttpRequest,
    partner: Profile,
    proposal_id: UUID,
    settle: Callable[[Change], object],
    *,
    form: AnswerForm,
    done: str,
) -> HttpResponse:
    """On, with a letter to who proposed it; or 409 with why it could not be settled so."""
    try:
        with changing(actor_of(request.user)) as change:
            settle(change)
    except ConfigurationError as error:
        context, status = {"form": form, "obstacle": str(error)}, HTTPStatus.CONFLICT
        return _proposal_page(request, partner, _proposal(partner, proposal_id), context, status=status)
    letters.tell_author(_proposal(partner, proposal_id))
    return redirect(done, partner.slug)


def _made(request: HttpRequest, partner: Profile, email: str, token: str) -> HttpResponse:
    """The one page that ever shows the link; no cache keeps it, and no page after it hears of it."""
    is_mailed = True
    try:
        invitations.send(partner, _person(request), email, token)
    except OSError as error:
        log.warning("mail.failed", why=type(error).__name__)
        is_mailed = False
    context = {"email": email, "link": invitations.address_of(token), "is_mailed": is_mailed}
    return partner_page(request, partner, MADE, {**context, "good_for": invitations.GOOD_FOR})


def _page(request: HttpRequest, partner: Profile, complaint: str = "") -> HttpResponse:
    context: dict[str, Any] = {
        "invitations": invitations.listed(partner),
        "people": rosters.people(partner.id),
        "proposals": proposals.listed(partner.id),
        "complaint": complaint,
    }
    status = HTTPStatus.CONFLICT if complaint else HTTPStatus.OK
    return partner_page(request, partner, "people", context, status=status)


def _proposal_page(
    request: HttpRequest,
    partner: Profile,
    shown: Proposed,
    context: dict[str, Any],
    *,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    told: dict[str, Any] = {"it": shown, **context}
    if shown.is_waiting:
        try:
            told["compared"] = proposals.compared(partner.slug, shown)
            told["proof"] = proving.vouching_for(partner.id, shown.issuer)
        except ConfigurationError as error:
            told["obstacle"] = str(error)
    return partner_page(request, partner, PROPOSAL, told, status=status)


def _proposal(partner: Profile, proposal_id: UUID) -> Proposed:
    found = proposals.find(partner.id, proposal_id)
    if found is None:
        raise Http404(_("%(partner)s has no such proposal.") % {"partner": partner.name})
    return found


def _person(request: HttpRequest) -> User:
    user = request.user
    assert user.is_authenticated  # whoever holds a permission has an account
    return user
