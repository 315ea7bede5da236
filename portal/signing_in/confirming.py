"""Proving again who one is, before ways in, rights or what partners are worth change (ASVS 7.5.1, 7.5.3).

A stolen session alone changes none of them.

django-allauth keeps in the session what a person proved and when. Its own check lets pass whoever has neither password
nor second factor here, which is everybody who comes through the organisation's provider; this one lets pass nobody
who did not prove it a short while ago.
"""

from __future__ import annotations

import time
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows import login as allauth_login
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.shortcuts import redirect
from django.utils.http import urlencode

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest, HttpResponse

    from portal.models import User

    View = Callable[..., HttpResponse]

SECOND_FACTORS: Final = frozenset({"totp", "webauthn", "recovery_codes"})
"""What allauth calls the factors that are ours to ask for."""

AGAIN: Final = "again"
"""The way of whoever has none of them, and no password: to sign in anew."""


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person proved who they are in the last minutes, by signing in or by being asked again."""
    proofs = [record for record in records(request) if record.get("reauthenticated")]
    return bool(proofs) and time.time() - proofs[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT


def lasts() -> timedelta:
    """For how long a proof is good."""
    return timedelta(seconds=app_settings.REAUTHENTICATION_TIMEOUT)


def records(request: HttpRequest) -> list[dict[str, Any]]:
    """What was proven in this session, oldest first."""
    return list(get_authentication_records(request, request.user))


def methods(request: HttpRequest) -> tuple[str, ...]:
    """The ways by which the person came in, in allauth's words, without repetition."""
    return tuple(dict.fromkeys(str(record.get("type") or record["method"]) for record in records(request)))


def note(request: HttpRequest, user: User | AnonymousUser, method: str, **more: object) -> None:
    """Remember that the person proved who they are by a way that is not allauth's."""
    allauth_login.record_authentication(request, user, method, **more)


def count_sign_in(request: HttpRequest) -> None:
    """Whoever has just signed in, with every factor that is theirs, need not prove it again at once."""
    known = records(request)
    if known:
        known[-1]["reauthenticated"] = True
        request.session[allauth_login.AUTHENTICATION_METHODS_SESSION_KEY] = known


def can_be_asked(request: HttpRequest) -> bool:
    """Whether the person has anything here that could be asked for, beside signing in anew."""
    return bool(_first_way(request)["id"] != AGAIN)


def ask(request: HttpRequest, then: str) -> HttpResponse:
    """The way to the page that asks, and from there to ``then``. Nothing of a form is kept on the way."""
    method = _first_way(request)
    return redirect(f"{method['url']}?{urlencode({REDIRECT_FIELD_NAME: then})}")


def _first_way(request: HttpRequest) -> dict[str, Any]:
    method: dict[str, Any] = get_adapter().get_reauthentication_methods(request.user)[0]
    return method


def require_fresh(request: HttpRequest) -> None:
    """The person proved a short while ago who they are; whoever did not proves it first and then comes back.

    Raises ``ReauthenticationRequired``, which allauth's middleware turns into the way to the page that asks.
    """
    if request.user.is_authenticated and not is_fresh(request):
        raise ReauthenticationRequired


def confirmed(view: View) -> View:
    """Let in whoever proved a short while ago who they are, as ``require_fresh`` does. Raises what it raises."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        require_fresh(request)
        return view(request, *args, **kwargs)

    guarded.is_confirmed = True  # type: ignore[attr-defined]  # the test of all doors reads it
    return guarded
