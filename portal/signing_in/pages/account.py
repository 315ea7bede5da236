"""A person's own account: who they are here, how they prove it, and where they are signed in."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit.person_events import PasswordChanged
from exchange import consents
from partners.changes import changing
from portal.navigation import sections_for
from portal.people import consents as people_consents
from portal.people.events import about, actor_of
from portal.permissions import permissions_of
from portal.roles import DESCRIPTIONS, roles_of
from portal.signing_in import confirming, sessions
from portal.signing_in.authenticators import Factors, allows_passkeys
from portal.signing_in.confirming import confirmed
from portal.signing_in.forms import NewPasswordForm
from portal.signing_in.openid import accounts, journeys
from portal.signing_in.second_factor import demanding_roles, must_enrol

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from portal.models import User


@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """Who is signed in, what their roles open, how they prove who they are, and where they are signed in."""
    user = _user(request)
    roles, held = roles_of(user), permissions_of(user)
    context = {
        "described": [(role, DESCRIPTIONS[role]) for role in DESCRIPTIONS if role in roles],
        "sections": sections_for(held),
        "factors": Factors(user),
        "allows_passkeys": allows_passkeys(),
        "demanding": demanding_roles(user),
        "has_password": user.has_usable_password(),
        "sessions": sessions.standing(user, request.session.session_key),
        "openid_name": settings.HANDOVER.openid_name if journeys.is_offered() else "",
        "consents": consents.consents(user.pk, timezone.now()),
        "is_connected": journeys.is_offered() and accounts.knows(user),
    }
    return render(request, "account/account.html", context)


@require_GET
def second_factor(request: HttpRequest) -> HttpResponse:
    """Why a second factor is needed, and the ways to one; on to the portal once there is one."""
    if not must_enrol(request):
        return redirect("home")
    context = {"demanding": demanding_roles(request.user), "allows_passkeys": allows_passkeys()}
    return render(request, "account/second_factor.html", context)


@require_GET
def confirm_again(request: HttpRequest) -> HttpResponse:
    """For whoever has nothing that could be asked for: signing in anew is the proof. Whoever has is asked for that."""
    if confirming.can_be_asked(request):
        return confirming.ask(request, reverse("account"))
    return render(request, "account/confirm_again.html", {"lasts": confirming.lasts()})


@require_POST
@confirmed
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """End one session. One that is over already is no fault: it is what was asked for."""
    user = _user(request)
    own = {session.id for session in sessions.standing(user, request.session.session_key) if session.is_current}
    if session_id in own:
        raise Http404(_("This is the session you are in. To end it, sign out."))
    with changing(actor_of(user)) as change:
        sessions.end(change, user, session_id)
    return redirect("account")


@require_POST
@confirmed
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End every session but this one."""
    user = _user(request)
    with changing(actor_of(user)) as change:
        sessions.end_others(change, user, request.session.session_key)
    return redirect("account")


@require_POST
def withdraw_consent(request: HttpRequest, client: UUID) -> HttpResponse:
    """A client may no longer act for the person. Nothing is asked first: this takes access away, and may be urgent."""
    user = _user(request)
    with changing(actor_of(user)) as change:
        if not people_consents.withdraw(change, user, client):
            raise Http404(_("No client has this address. Look it up on your account page."))
    return redirect("account")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Set the password; every other session ends with the old one."""
    if not confirming.is_fresh(request):
        return confirming.ask(request, request.path)
    user = _user(request)
    form = NewPasswordForm(user, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        return render(request, "account/password.html", {"form": form}, status=status)
    with changing(actor_of(user)) as change:
        form.save()
        change.record(PasswordChanged(data=about(user)))
        sessions.end_others(change, user, request.session.session_key)
        before = request.session.session_key
        update_session_auth_hash(request, user)
        sessions.follow(before, request.session.session_key)
    return redirect("account")


def _user(request: HttpRequest) -> User:
    user = request.user
    assert user.is_authenticated  # Django's LoginRequiredMiddleware saw to it
    return user
