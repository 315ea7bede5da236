"""Where a person arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from portal.navigation import landing_page
from portal.permissions import permissions_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """To the page the person's roles land on."""
    return redirect(landing_page(permissions_of(request.user)))
