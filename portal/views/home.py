"""Where a person arrives, and the page about themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from portal.navigation import landing_page, sections_for
from portal.permissions import permissions_of
from portal.roles import DESCRIPTIONS, roles_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """To the page the person's roles land on."""
    return redirect(landing_page(permissions_of(request.user)))


@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """Who is signed in, with which roles, and what those open."""
    roles, held = roles_of(request.user), permissions_of(request.user)
    described = [(role, DESCRIPTIONS[role]) for role in DESCRIPTIONS if role in roles]
    return render(request, "account/account.html", {"described": described, "sections": sections_for(held)})
