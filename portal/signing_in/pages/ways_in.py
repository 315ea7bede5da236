"""The ways in: django-allauth's views with what our pages need beside, and the link that signs somebody in once.

They are open: nobody is signed in yet.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from allauth.account import views as allauth
from allauth.account.adapter import get_adapter
from allauth.account.utils import perform_login
from allauth.core.ratelimit import consume_or_429
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from portal.signing_in import confirming, sign_in_links
from portal.signing_in.authenticators import allows_passkeys
from portal.signing_in.openid import journeys

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def _openid_name() -> str:
    return settings.HANDOVER.openid_name if journeys.is_offered() else ""


sign_in = allauth.LoginView.as_view(extra_context={"allows_passkeys": allows_passkeys, "openid_name": _openid_name})
"""The sign-in page. Whether passkeys can be is asked when it is made."""


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a mail: a page that changes nothing, whose button signs the person in once (CWE-352, rule 155)."""
    too_many: HttpResponse | None = consume_or_429(request, action="login")
    if too_many is not None:
        return too_many
    person = sign_in_links.use(token) if request.method == "POST" else sign_in_links.whose(token)
    if person is None:
        return _unleaking(render(request, "account/link_over.html", status=HTTPStatus.GONE))
    if request.method != "POST":
        return _unleaking(render(request, "account/welcome.html", {"person": person}))
    get_adapter(request).logout(request)
    confirming.note(request, person, "link")
    response: HttpResponse = perform_login(request, person, redirect_url=reverse("account"))
    return _unleaking(response)


@login_not_required
@require_POST
def start_over(request: HttpRequest) -> HttpResponse:
    """Forget a sign-in that waits for its second step: whoever it is for, this browser begins anew."""
    request.session.flush()
    return redirect("account_login")


def _unleaking(response: HttpResponse) -> HttpResponse:
    """The address holds what signs somebody in: no page that it leads to may hear of it.

    Not ``no-referrer``: with it browsers send forms with the origin ``null``, which the check of forms refuses.
    """
    response["Referrer-Policy"] = "strict-origin"
    return response
