"""The addresses of the API where nothing is: 404 as a problem document, for whoever was let in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from rest_framework.exceptions import NotAuthenticated

from portal.api.callers import Caller
from portal.api.endpoint import Endpoint
from portal.api.problems import not_found

if TYPE_CHECKING:
    from rest_framework.request import Request


class Nowhere(Endpoint):
    """Nothing, whatever the method."""

    schema = None  # type: ignore[assignment]  # what is nowhere is not described

    def check_permissions(self, request: Request) -> NoReturn:
        """Raises ``NotAuthenticated``, else the 404 of everything that does not exist."""
        if not isinstance(request.auth, Caller):
            raise NotAuthenticated
        raise not_found()
