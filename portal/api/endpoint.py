"""What every address of the API has: who may call it, what it reads, and how it says no. Closed unless opened.

``needs`` is asked before anything is looked up, so that a caller without the permission cannot learn what exists.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rest_framework.exceptions import NotAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from portal.api import queries
from portal.api.bodies import JsonObject, MergePatch
from portal.api.callers import Caller, SessionAuthentication, TokenAuthentication, reference_of
from portal.api.problems import ApiError, InsufficientScope, as_response
from portal.api.schema import EndpointSchema
from portal.permissions import roles_with
from portal.scopes import API_SCOPES
from portal.signing_in.confirming import is_fresh
from portal.signing_in.second_factor import must_enrol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rest_framework.request import Request
    from rest_framework.response import Response

    from portal.api.queries import Parameter
    from portal.permissions import Permission


_ENROL: Final = "One of your roles demands a second factor, and you have none. Set one up on your account page first."
_CONFIRM: Final = "A session does this only shortly after its person proved who they are. Do so on the portal first."
_SESSION: Final = "A partner's own side opens for its people in a session of the portal. No token carries it."


class Endpoint(APIView):
    """One address. ``needs`` says which permission each method asks for; None: whoever was let in."""

    needs: ClassVar[Mapping[str, Permission | None]] = {}
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    shape: ClassVar[str] = ""
    """The name of what answers hold, in ``portal.api.shapes``."""
    bodies: ClassVar[Mapping[str, str]] = {}
    """The names of what bodies hold, by method."""
    is_list: ClassVar[bool] = False
    creates: ClassVar[bool] = False
    """Whether a POST makes something new."""
    only_asks: ClassVar[bool] = False
    """Whether a POST keeps nothing: it can be sent again as it is, and its answer is kept for nobody."""
    is_confirmed: ClassVar[bool] = False
    """Whether a browser's session changes it only shortly after its person proved who they are, as on the pages."""
    may_match: ClassVar[bool] = False
    """Whether a DELETE need not say which version it means: to take back what was lent never waits for that."""
    is_tagged: ClassVar[bool] = False
    """Whether a GET answers with an ``ETag``."""

    schema = EndpointSchema()
    http_method_names = ["get", "head", "post", "patch", "delete"]
    authentication_classes = (TokenAuthentication, SessionAuthentication)
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (JSONRenderer,)
    parser_classes = (JsonObject, MergePatch)

    given: Mapping[str, Any]

    def check_permissions(self, request: Request) -> None:
        """Raises ``NotAuthenticated``, or ``ApiError`` for a caller who may not, or must get a second factor first."""
        caller = request.auth
        if not isinstance(caller, Caller):
            raise NotAuthenticated
        if caller.scopes is None and must_enrol(request._request):  # noqa: SLF001 - the framework's own way to Django's
            raise ApiError(HTTPStatus.FORBIDDEN, "second_factor_missing", _ENROL)
        method = "GET" if request.method == "HEAD" else request.method or ""
        permission = self.needs.get(method)
        if permission is not None:
            require(caller, permission)
        if self.is_confirmed and method != "GET" and caller.scopes is None and not is_fresh(request._request):  # noqa: SLF001 - the same
            raise ApiError(HTTPStatus.FORBIDDEN, "confirmation_needed", _CONFIRM)
        self.given = queries.read(request, self.parameters if method == "GET" else ())

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, Any]], Response]:
        """Every error is a problem document."""
        return as_response

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401
        """The answer with the reference it is found by."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["X-Correlation-ID"] = str(reference_of(request))
        return response


def caller_of(request: Request) -> Caller:
    """Who calls; the endpoint let them in."""
    caller = request.auth
    assert isinstance(caller, Caller)
    return caller


def body_of(request: Request) -> dict[str, Any]:
    """The object in the body; the parsers read nothing else."""
    body = request.data
    assert isinstance(body, dict)
    return body


def require(caller: Caller, permission: Permission) -> None:
    """Raises ``ApiError``: with the scope that is missing, or with the roles that would do; or no token would."""
    if permission not in API_SCOPES and caller.scopes is not None:
        raise ApiError(HTTPStatus.FORBIDDEN, "session_needed", _SESSION)
    if permission in caller.held:
        return
    if caller.scopes is not None and permission not in caller.scopes:
        detail = f"The access token lacks the scope {permission}. Ask for a token that has it."
        raise InsufficientScope(HTTPStatus.FORBIDDEN, "insufficient_scope", detail, scope=str(permission))
    roles = sorted(roles_with(permission))
    detail = f"This needs one of the roles {', '.join(roles)}. Ask a security admin for one of them."
    raise ApiError(HTTPStatus.FORBIDDEN, "role_missing", detail, roles=roles)
