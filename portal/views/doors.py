"""Which roles open a view: a decorator, so that no view can forget to ask."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from portal.roles import SECTIONS, may_open, roles_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    View = Callable[..., HttpResponse]


def opens(section: str) -> Callable[[View], View]:
    """Let in the people whose roles show this section in the navigation; others get 403 with the roles that may."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not may_open(section, roles_of(request.user)):
                raise PermissionDenied(_refusal(section))
            return view(request, *args, **kwargs)

        guarded.section = section  # type: ignore[attr-defined] # the test of all doors reads it
        return guarded

    return decorate


def _refusal(section: str) -> str:
    roles = next((entry.roles for entry in SECTIONS if entry.name == section), frozenset())
    words = _("This page is for the roles %(roles)s. Ask a security admin for one of them if you need it.")
    return words % {"roles": ", ".join(sorted(roles))}
