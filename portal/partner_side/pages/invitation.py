"""The page behind an invitation: who invites, to what, and the button that accepts. Open: nobody is signed in yet."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from allauth.account.adapter import get_adapter
from allauth.account.utils import perform_login
from allauth.core.ratelimit import consume_or_429
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.partner_side import invitations
from portal.partner_side.pages.door import unleaking
from portal.signing_in import confirming

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """A page that changes nothing, whose button lets the invited person in, once (CWE-352; scanners open links).

    Every link that opens nothing gets the same answer: which ones ever did is no stranger's business (CWE-204).
    """
    too_many: HttpResponse | None = consume_or_429(request, action="login")
    if too_many is not None:
        return too_many
    if request.method != "POST":
        shown = invitations.opened(token)
        return _over(request) if shown is None else unleaking(render(request, "connect/invited.html", {"it": shown}))
    person = invitations.accept(token)
    if person is None:
        return _over(request)
    get_adapter(request).logout(request)
    confirming.note(request, person, "link")
    response: HttpResponse = perform_login(request, person, redirect_url=reverse("connect"))
    return unleaking(response)


def _over(request: HttpRequest) -> HttpResponse:
    return unleaking(render(request, "connect/invitation_over.html", status=HTTPStatus.GONE))
