"""People with an account here: the list, one of them, and what a security admin may change about them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from exchange import consents
from partners.changes import changing
from portal import mail
from portal.filters import PeopleFilter
from portal.people import acts, linking, lists
from portal.people import consents as people_consents
from portal.people.events import actor_of
from portal.people.forms import InvitationForm
from portal.permissions import Permission
from portal.roles import DESCRIPTIONS, Role
from portal.signing_in import sessions, sign_in_links
from portal.signing_in.authenticators import Factors
from portal.signing_in.confirming import confirmed
from portal.views.doors import needs
from portal.views.fragments import render_part

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from partners.changes import Change
    from portal.models import User

    Act = Callable[[Change, User, User], None]

log = structlog.get_logger(__name__)


@needs(Permission.SETTINGS_WRITE)
@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """People by e-mail address, 50 a page."""
    chosen = PeopleFilter.read(request.GET)
    wanted = lists.Wanted(text=chosen.q, role=chosen.role, is_closed=chosen.is_closed)
    page = lists.people(wanted, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    context = {
        "now": timezone.now(),
        "chosen": chosen,
        "rows": page.entries,
        "roles": list(Role),
        "is_narrowed": bool(chosen.q or chosen.role or chosen.state),
        "older": chosen.query(after=page.next) if page.next else "",
        "newer": chosen.query(before=page.previous) if page.previous else "",
    }
    return render_part(request, "people/list.html", "people/_list.html", context)


@needs(Permission.SETTINGS_WRITE)
@require_GET
def person(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """One person: roles and who gave them, ways to prove who they are, sessions."""
    return _page(request, _person(person_id))


@needs(Permission.SETTINGS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def invite(request: HttpRequest) -> HttpResponse:
    """Make an account for somebody, and mail them the link that signs them in once."""
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            with changing(actor_of(request.user)) as change:
                made = acts.invite(change, form.cleaned_data["email"], form.cleaned_data["name"], form.roles)
                token = sign_in_links.make(change, made)
        except acts.AddressTaken as error:
            form.add_error("email", str(error))
        else:
            return _mailed(request, made, token)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "people/invite.html", {"form": form, "descriptions": DESCRIPTIONS.items()}, status=status)


@needs(Permission.SETTINGS_WRITE)
@require_POST
@confirmed
def send_link(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Another link for signing in once; the former one is void."""
    found = _person(person_id)
    if not found.is_active:
        return _page(request, found, _("The account is closed, so no link was sent. Open it first."))
    with changing(actor_of(request.user)) as change:
        token = sign_in_links.make(change, found)
    return _mailed(request, found, token)


@needs(Permission.SETTINGS_WRITE)
@require_POST
@confirmed
def give_role(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Give somebody a role."""
    role = _role(request)
    return _do(request, person_id, lambda change, by, found: acts.give_role(change, by, found, role))


@needs(Permission.SETTINGS_WRITE)
@require_POST
@confirmed
def take_role(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Take a role from somebody."""
    role = _role(request)
    return _do(request, person_id, lambda change, by, found: acts.take_role(change, by, found, role))


@needs(Permission.SETTINGS_WRITE)
@require_POST
@confirmed
def disable(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Close an account."""
    return _do(request, person_id, acts.disable)


@needs(Permission.SETTINGS_WRITE)
@require_POST
@confirmed
def enable(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Open a closed account."""
    return _do(request, person_id, acts.enable)


@needs(Permission.SETTINGS_WRITE)
@require_POST
@confirmed
def end_sessions(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """End every session of somebody; one's own stays."""
    own = request.session.session_key

    def end_all(change: Change, by: User, found: User) -> None:
        sessions.end_others(change, found, own if by.pk == found.pk else None)

    return _do(request, person_id, end_all)


@needs(Permission.SETTINGS_WRITE)
@require_POST
@confirmed
def link(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Another account is the same human's."""
    email = request.POST.get("email", "")
    return _do(request, person_id, lambda change, by, found: linking.link(change, by, found, email))


@needs(Permission.SETTINGS_WRITE)
@require_POST
@confirmed
def unlink(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """An account is a person of its own again."""
    return _do(request, person_id, linking.unlink)


@needs(Permission.SETTINGS_WRITE)
@require_POST
@confirmed
def withdraw_consent(request: HttpRequest, person_id: UUID, client: UUID) -> HttpResponse:
    """A client may no longer act for somebody."""

    def take_back(change: Change, _by: User, found: User) -> None:
        if not people_consents.withdraw(change, found, client):
            raise Http404(_("No client has this address. Look it up on the person's page."))

    return _do(request, person_id, take_back)


def _do(request: HttpRequest, person_id: UUID, act: Act) -> HttpResponse:
    found = _person(person_id)
    try:
        with changing(actor_of(request.user)) as change:
            act(change, request.user, found)  # type: ignore[arg-type]  # whoever holds a permission has an account
    except acts.NotPossible as error:
        return _page(request, found, str(error))
    return redirect("people-person", person_id=found.pk)


def _mailed(request: HttpRequest, found: User, token: str) -> HttpResponse:
    try:
        sign_in_links.send(found, token)
    except OSError as error:
        log.warning("mail.failed", why=type(error).__name__)
        words = _("The account is there, but the mail server did not take the message. Send the link again later.")
        return _page(request, found, words, HTTPStatus.SERVICE_UNAVAILABLE)
    return redirect("people-person", person_id=found.pk)


def _person(person_id: UUID) -> User:
    found = lists.find(person_id)
    if found is None:
        raise Http404(_("Nobody has this account. Look the person up in the list of people."))
    return found


def _role(request: HttpRequest) -> Role:
    name = request.POST.get("role", "")
    if name not in set(Role):
        raise Http404(_("No role has this name. Reload the page and choose one of those it offers."))
    return Role(name)


def _page(
    request: HttpRequest, found: User, refusal: str = "", status: HTTPStatus = HTTPStatus.CONFLICT
) -> HttpResponse:
    held = lists.held_roles(found)
    names = {entry.role for entry in held}
    is_self = found.pk == request.user.pk
    context: dict[str, Any] = {
        "person": found,
        "held_roles": held,
        "offered": [(role, DESCRIPTIONS[role]) for role in acts.GIVEABLE if role not in names],
        "factors": Factors(found),
        "sessions": sessions.count(found),
        "consents": consents.consents(found.pk, timezone.now()),
        "linked": linking.others(found),
        "is_self": is_self,
        "is_last": acts.is_last_admin(found),
        "admin": Role.SECURITY_ADMIN,
        "refusal": refusal,
    }
    return render(request, "people/person.html", context, status=status if refusal else HTTPStatus.OK)


@needs(Permission.SETTINGS_WRITE)
@require_GET
def letters(request: HttpRequest) -> HttpResponse:
    """What this installation has mailed: the demo has no mail server, so its admins read the messages here."""
    if not settings.HANDOVER.demo:
        raise Http404(_("Messages are shown in a demo only; this installation mails them."))
    return render(request, "people/letters.html", {"letters": mail.letters()})
