"""What went wrong with a call, as problem details with a stable ``code`` (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.response import Response

from exchange.golden import CaseRefused, CasesAreRed
from exchange.protocol.problems import MEDIA_TYPE, problem
from partners.errors import (
    ChangedMeanwhile,
    ConfigurationError,
    ConfigurationRefused,
    NotRegistered,
    SecondPersonNeeded,
)
from portal.api.callers import challenge_of, reference_of
from portal.people.acts import NotPossible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request

    from partners.errors import Problem

log = structlog.get_logger(__name__)


class ApiError(Exception):
    """A call that cannot be answered as asked: what it is called, why, and what to do."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, **members: Any) -> None:  # noqa: ANN401 - members of JSON
        super().__init__(detail)
        self.status = status
        self.code = code
        self.members = members


class InsufficientScope(ApiError):
    """The token, or its bearer's roles, do not allow the call (RFC 6750 section 3.1)."""


def wrong_fields(problems: tuple[Problem, ...]) -> ApiError:
    """The body says something that cannot be: each field of it, with what was expected."""
    fields = [{"field": item.field, "expected": item.expected, "came": item.came} for item in problems]
    detail = "Some fields cannot be accepted; fields names each of them. Correct them, then send the call again."
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_fields", detail, fields=fields)


def wrong_parameter(name: str, expected: str) -> ApiError:
    """A parameter of the address that cannot be read."""
    detail = f"The parameter {name} cannot be read. Expected: {expected}."
    return ApiError(HTTPStatus.BAD_REQUEST, "invalid_parameter", detail, parameter=name)


def not_found() -> ApiError:
    """Nothing at this address; the same words whether it never was, or is not the caller's to see."""
    detail = "Nothing is at this address. Look the object up in its list."
    return ApiError(HTTPStatus.NOT_FOUND, "not_found", detail)


def as_response(error: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to an error. What nobody foresaw is ours: its cause is logged, and the caller hears no more of it."""
    request: Request = context["request"]
    reference = str(reference_of(request))
    told = _told(error)
    if told is None:
        log.error("api.failed", correlation_id=reference, exc_info=error)
        told = ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "", "")
    body = problem(told.status, reference, code=told.code, detail=str(told), **told.members)
    headers = _headers(error, told, request)
    return Response(body, status=told.status, headers=headers, content_type=MEDIA_TYPE)


def _told(error: Exception) -> ApiError | None:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    if isinstance(error, ConfigurationError | NotPossible):
        return _of_configuration(error)
    if isinstance(error, Http404):
        return not_found()
    if isinstance(error, PermissionDenied):
        return ApiError(HTTPStatus.FORBIDDEN, "forbidden", str(error))
    return _of_stores(error)


def _of_configuration(error: ConfigurationError | NotPossible) -> ApiError:
    if isinstance(error, ConfigurationRefused):
        return wrong_fields(error.problems)
    if isinstance(error, NotRegistered):
        return not_found()
    _kind, status, code = next(row for row in _CONFIGURATION if isinstance(error, row[0]))
    return ApiError(status, code, str(error))


_CONFIGURATION: Final[tuple[tuple[type[Exception], HTTPStatus, str], ...]] = (
    (NotPossible, HTTPStatus.CONFLICT, "not_possible"),
    (SecondPersonNeeded, HTTPStatus.CONFLICT, "second_person_needed"),
    (ChangedMeanwhile, HTTPStatus.CONFLICT, "conflict"),
    (CasesAreRed, HTTPStatus.CONFLICT, "golden_tokens_red"),
    (CaseRefused, HTTPStatus.UNPROCESSABLE_ENTITY, "golden_token_refused"),
    (ConfigurationError, HTTPStatus.CONFLICT, "illegal_transition"),
)
"""From the particular to the general."""


def _of_stores(error: Exception) -> ApiError | None:
    if isinstance(error, IntegrityError):
        detail = "Somebody else changed the same thing at the same moment. Nothing was changed. Read it again."
        return ApiError(HTTPStatus.CONFLICT, "conflict", detail)
    if isinstance(error, OperationalError | InterfaceError | RedisError):
        return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "", "")
    return None


_FRAMEWORK: Final[Mapping[type[exceptions.APIException], tuple[str, str]]] = {
    exceptions.NotAuthenticated: ("unauthenticated", ""),
    exceptions.AuthenticationFailed: ("unauthenticated", ""),
    exceptions.MethodNotAllowed: ("method_not_allowed", "This address does not take that method. Allow says which."),
    exceptions.NotAcceptable: ("not_acceptable", "Answers are application/json. Accept that, or send no Accept field."),
    exceptions.UnsupportedMediaType: (
        "unsupported_media_type",
        "Bodies are application/json; a change may also be application/merge-patch+json.",
    ),
    exceptions.ParseError: ("malformed_json", ""),
    exceptions.PermissionDenied: ("forbidden", ""),
}


def _of_framework(error: exceptions.APIException) -> ApiError:
    code, detail = _FRAMEWORK.get(type(error), ("", ""))
    said = str(error.detail) if isinstance(error, exceptions.ParseError | exceptions.PermissionDenied) else ""
    return ApiError(HTTPStatus(error.status_code), code, said or detail)


def _headers(error: Exception, told: ApiError, request: Request) -> dict[str, str]:
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return {"WWW-Authenticate": challenge_of(request)}
    if isinstance(error, InsufficientScope):
        scope = told.members["scope"]
        return {"WWW-Authenticate": f'{challenge_of(request)}, error="insufficient_scope", scope="{scope}"'}
    return {"Retry-After": "2"} if told.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
