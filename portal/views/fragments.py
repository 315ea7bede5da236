"""A page, or the part of it that htmx asked for. The page includes the part, so there is one source of markup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import render
from django.utils.cache import patch_vary_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse


def render_part(request: HttpRequest, page: str, part: str, context: Mapping[str, Any]) -> HttpResponse:
    """The part for a swap, the whole page for everything else, also for htmx going back in the history."""
    htmx = request.htmx  # type: ignore[attr-defined] # set by the middleware
    is_swap = htmx and not htmx.boosted and not htmx.history_restore_request
    response = render(request, part if is_swap else page, dict(context))
    patch_vary_headers(response, ["HX-Request"])
    return response
