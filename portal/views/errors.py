"""The pages that say no: what happened, why, and what to do."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from portal.frame import bare_frame

if TYPE_CHECKING:
    from django.http import HttpRequest

RETRY_AFTER = "10"


def _page(request: HttpRequest, status: HTTPStatus, heading: str, words: str) -> HttpResponse:
    user = getattr(request, "user", None)
    frame_template = "base.html" if user is not None and user.is_authenticated else "base_public.html"
    context = {"heading": heading, "words": words, "icon_name": "ban", "frame_template": frame_template}
    return render(request, "errors/error.html", context, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """400: something about the request itself is not acceptable."""
    words = _("The address or the form holds something that cannot be read. Go back and try again.")
    return _page(request, HTTPStatus.BAD_REQUEST, _("The request could not be read"), words)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: signed in, but not for this."""
    words = str(exception) or _("Your roles do not open this page. Ask a security admin for one that does.")
    return _page(request, HTTPStatus.FORBIDDEN, _("This page is not open to you"), words)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404. A view that knows better says so in its ``Http404``."""
    said = exception.args[0] if exception.args and isinstance(exception.args[0], str) else ""
    words = said or _("Nothing is at this address. It may have been mistyped, or the thing it named is gone.")
    return _page(request, HTTPStatus.NOT_FOUND, _("Nothing found here"), words)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form did not come from our own page, or the session behind it is over (CWE-352)."""
    if reason == REASON_NO_CSRF_COOKIE:
        words = _(
            "The browser sent no cookie, so nothing tells the form from a forged one. Allow cookies, then reload."
        )
    else:
        words = _("The form was opened too long ago or in another session. Nothing was done. Reload the page.")
    return _page(request, HTTPStatus.FORBIDDEN, _("The form was not accepted"), words)


def server_error(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """500, or 503 when a store does not answer. Made without database and request: either may be what failed."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError | RedisError):
        status, heading = HTTPStatus.SERVICE_UNAVAILABLE, _("A store does not answer")
        words = _("The database or the cache did not answer in time. Nothing was changed. Try again in a few seconds.")
    else:
        status, heading = HTTPStatus.INTERNAL_SERVER_ERROR, _("The page could not be made")
        words = _("The fault is ours, and its cause is in the log. Nothing was changed. Tell an administrator.")
    context = bare_frame() | {"heading": heading, "words": words, "icon_name": "alert-triangle"}
    response = HttpResponse(render_to_string("errors/server_error.html", context), status=status)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = RETRY_AFTER
    return response
