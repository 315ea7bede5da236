"""The search box's page: what the typed text was found to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from portal.access.filters import plain
from portal.permissions import Permission
from portal.search import search as look_up
from portal.views.doors import needs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from portal.search import Findings

SHORTEST: Final = 2


@needs(Permission.EXCHANGES_READ)
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """References, tokens, people, clients and partners by one text; where it can only be one thing, straight to it."""
    text = plain(request.GET.get("q", ""))
    is_short = 0 < len(text) < SHORTEST
    found = look_up("" if is_short else text)
    only = _only_page(found)
    if only:
        return redirect(only)
    context = {"text": text, "is_short": is_short, "found": found, "now": timezone.now(), "shortest": SHORTEST}
    return render(request, "search.html", context)


def _only_page(found: Findings) -> str:
    """Where an exchange by its reference, or a token by its id, is all that was found."""
    if found.count != 1:
        return ""
    if found.events:
        return reverse("exchanges-trace", args=[found.events[0].entry.correlation_id])
    tokens = (*found.own_tokens, *found.made_of)
    return reverse("exchanges-trace", args=[tokens[0].event_id]) if tokens else ""
