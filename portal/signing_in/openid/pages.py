"""To the organisation's OpenID provider and back: signing in, connecting an account, proving again who one is."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from allauth.account.adapter import get_adapter
from allauth.account.utils import perform_login
from allauth.core.ratelimit import consume_or_429
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from partners.changes import changing
from portal.people import linking
from portal.people.events import actor_of
from portal.signing_in import confirming
from portal.signing_in.confirming import confirmed
from portal.signing_in.openid import accounts, journeys
from portal.signing_in.second_factor import ELSEWHERE

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from portal.signing_in.openid.id_tokens import Claims

log = structlog.get_logger(__name__)


@login_not_required
@require_GET
def sign_in(request: HttpRequest) -> HttpResponse:
    """On the way to the provider, to sign in there."""
    return _leave(request, "sign-in")


@require_GET
@confirmed
def connect(request: HttpRequest) -> HttpResponse:
    """On the way to the provider, to connect the account one is signed in to."""
    return _leave(request, "connect")


@require_GET
def confirm(request: HttpRequest) -> HttpResponse:
    """On the way to the provider, which asks again who one is, however short ago it did."""
    return _leave(request, "confirm")


@login_not_required
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Back from the provider. Whatever is not as it must be changes nothing, and is said in our own words."""
    if not journeys.is_offered():
        raise Http404
    try:
        claims, kept = journeys.finish(request.session, dict(request.GET.lists()))
        arrive = {"sign-in": _sign_in, "connect": _connect, "confirm": _confirm}[kept["purpose"]]
        return arrive(request, claims, kept)
    except journeys.Declined as error:
        log.info("openid.declined", error=str(error)[:40])
        return _said(request, _("The provider did not sign you in, or you stopped it. Nothing was changed. Try again."))
    except journeys.Strayed as error:
        log.warning("openid.strayed", why=str(error))
        words = _("This answer belongs to no sign-in that this browser has started, or it came too late. Start again.")
        return _said(request, words, HTTPStatus.BAD_REQUEST)
    except journeys.NotBelieved as error:
        log.warning("openid.not_believed", why=str(error))
        words = _(
            "What the provider said about you could not be verified, so nobody was signed in. Tell an administrator."
        )
        return _said(request, words, HTTPStatus.BAD_GATEWAY)
    except journeys.Unusable as error:
        return _unusable(request, error)
    except accounts.NoAccount as error:
        return _said(request, str(error), HTTPStatus.FORBIDDEN)


def _leave(request: HttpRequest, purpose: str) -> HttpResponse:
    if not journeys.is_offered():
        raise Http404(_("This installation has no OpenID provider. Sign in another way."))
    too_many: HttpResponse | None = consume_or_429(request, action="login")
    if too_many is not None:
        return too_many
    wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
    then = wanted if get_adapter().is_safe_url(wanted) else ""
    try:
        return redirect(journeys.start(request.session, purpose, then))
    except journeys.Unusable as error:
        return _unusable(request, error)


def _sign_in(request: HttpRequest, claims: Claims, kept: dict[str, Any]) -> HttpResponse:
    person = accounts.person_of(claims)
    if request.user.is_authenticated:
        get_adapter(request).logout(request)
    confirming.note(request, person, ELSEWHERE, is_multiple=claims.is_multiple or None)
    response: HttpResponse = perform_login(request, person, redirect_url=kept["then"] or None)
    return response


def _connect(request: HttpRequest, claims: Claims, kept: dict[str, Any]) -> HttpResponse:
    del kept
    user = request.user
    if not user.is_authenticated:
        raise journeys.Strayed("the session ended on the way")
    try:
        with changing(actor_of(user)) as change:
            accounts.connect(change, user, claims)
    except accounts.ConnectedElsewhere as error:
        with changing(actor_of(user)) as change:
            linking.join(change, user, error.other)
        raise
    return redirect("account")


def _confirm(request: HttpRequest, claims: Claims, kept: dict[str, Any]) -> HttpResponse:
    """The same person, who has signed in there since they were sent: an old sign-in proves nothing new."""
    user = request.user
    started = datetime.fromtimestamp(kept["at"], UTC)
    if not user.is_authenticated or accounts.find(claims) != user:
        raise journeys.Strayed("somebody else came back")
    if claims.signed_in_at is None or claims.signed_in_at < started.replace(microsecond=0):
        raise journeys.NotBelieved("auth_time is older than the question")
    confirming.note(request, user, ELSEWHERE, reauthenticated=True, is_multiple=claims.is_multiple or None)
    return redirect(kept["then"] or "account")


def _unusable(request: HttpRequest, error: Exception) -> HttpResponse:
    log.warning("openid.unusable", why=str(error)[:300])
    words = _("The OpenID provider gave no usable answer. Nothing was changed. Try again in a minute, or another way.")
    return _said(request, words, HTTPStatus.BAD_GATEWAY)


def _said(request: HttpRequest, words: str, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    context = {"words": words, "name": settings.HANDOVER.openid_name}
    return render(request, "account/openid_refused.html", context, status=status)
