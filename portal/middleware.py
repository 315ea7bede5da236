"""What every page needs: no caching of signed-in pages, no device features, a readable address, static files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.utils.cache import add_never_cache_headers
from django.utils.deprecation import MiddlewareMixin
from whitenoise.middleware import WhiteNoiseMiddleware

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

_DENIED: Final = "accelerometer camera display-capture geolocation gyroscope microphone midi payment usb"
PERMISSIONS: Final = ", ".join(f"{feature}=()" for feature in _DENIED.split())


class PageHeadersMiddleware(MiddlewareMixin):
    """A page is made for one person and one moment: unless its view says otherwise, nothing may keep it (CWE-525)."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:  # noqa: ARG002
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        if "Cache-Control" not in response.headers:
            add_never_cache_headers(response)
        return response


class ReadableAddressMiddleware(MiddlewareMixin):
    """No page is asked for with a NUL in its address: PostgreSQL's text has none, so nothing could match it (CWE-158).

    The API says such things in its own form.
    """

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> None:
        """Raises ``BadRequest``, which is a page that says so."""
        del view, args, kwargs
        match = request.resolver_match
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            if match is not None and "api" in match.app_names:
                return
            raise BadRequest


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """WhiteNoise, answering with the whole file: under ASGI an iterator would be read into memory anyway, noisily."""

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """The collected files; where none were collected the deploy check says so, and tests need none."""
        if Path(root).is_dir():
            super().add_files(root, prefix)

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:  # noqa: ANN401
        """The file with the headers WhiteNoise chose: type, encoding, caching."""
        found = static_file.get_response(request.method, request.META)
        content = b""
        if found.file is not None:
            with found.file:
                content = found.file.read()
        response = HttpResponse(content, status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response
