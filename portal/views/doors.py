"""Who may open a view: a decorator, so that no view can forget to ask."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from portal.permissions import Permission, permissions_of, roles_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    View = Callable[..., HttpResponse]


def needs(permission: Permission) -> Callable[[View], View]:
    """Let in the people whose roles hold this permission; others get 403 with the roles that do."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if permission not in permissions_of(request.user):
                raise PermissionDenied(_refusal(permission))
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined] # the test of all doors reads it
        return guarded

    return decorate


def _refusal(permission: Permission) -> str:
    words = _("This page is for the roles %(roles)s. Ask a security admin for one of them if you need it.")
    return words % {"roles": ", ".join(sorted(roles_with(permission)))}
