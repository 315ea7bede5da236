"""The API as OpenAPI 3.1: made from the addresses and what each says of itself; served, and kept in ``docs``."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from drf_spectacular.generators import SchemaGenerator
from rest_framework.response import Response

from portal.api import shapes
from portal.api.endpoint import Endpoint
from portal.description.yaml_page import as_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rest_framework.request import Request

Schema = dict[str, Any]

_HEAD: Final = "# The REST API as OpenAPI 3.1, made from the code that answers: portal/api, make docs.\n"
_ALWAYS: Final = (
    *(HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
    *(HTTPStatus.NOT_ACCEPTABLE, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    *(HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE),
)
_OF_WRITES: Final = (HTTPStatus.CONFLICT, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.UNPROCESSABLE_ENTITY)
_OF_CONDITIONS: Final = (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED)


class Description(Endpoint):
    """The description of this API."""

    needs = {"GET": None}
    shape = "Description"

    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Read the description of this API."""
        return Response(document())


def document() -> Schema:
    """The whole description."""
    made: Schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


def page() -> str:
    """The description as YAML."""
    return as_yaml(_HEAD, document())


def complete(result: Schema, **_: object) -> Schema:
    """What every call has, added to what the framework made: refusals, header fields, shapes, ways to authenticate."""
    result["info"] = {
        "title": "Handover: REST API",
        "version": "1",
        "description": "What the portal's pages do, for programs. Every error is a problem document (RFC 9457).",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }
    result["servers"] = [{"url": "/"}]
    for path in result["paths"].values():
        for method, operation in path.items():
            _complete(method, operation)
    result["components"] = {
        "headers": dict(_HEADERS),
        "responses": {str(int(status)): _refusal(status) for status in (*_ALWAYS, *_OF_WRITES, *_OF_CONDITIONS)},
        "schemas": shapes.all_shapes(),
        "securitySchemes": {
            "access_token": {"type": "http", "scheme": "bearer", "description": "Audience `<issuer>/api`."},
            "session": {"type": "apiKey", "in": "cookie", "name": "handover-session"},
        },
    }
    return result


def _complete(method: str, operation: Schema) -> None:
    for good in operation["responses"].values():
        good["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
    for status in _refusals(method, operation):
        operation["responses"][str(int(status))] = {"$ref": f"#/components/responses/{int(status)}"}
    if any(parameter["name"] == "If-None-Match" for parameter in operation.get("parameters", ())):
        operation["responses"]["304"] = {"description": "The caller has it as it is"}


def _refusals(method: str, operation: Schema) -> Iterator[HTTPStatus]:
    yield from _ALWAYS
    if method == "get":
        return
    yield from _OF_WRITES
    if any(parameter["name"] == "If-Match" for parameter in operation.get("parameters", ())):
        yield from _OF_CONDITIONS


def _refusal(status: HTTPStatus) -> Schema:
    headers = {"X-Correlation-ID": {"$ref": "#/components/headers/X-Correlation-ID"}}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = {"schema": {"type": "string"}, "description": "RFC 6750, RFC 9449, RFC 9728"}  # type: ignore[dict-item]
    content = {"application/problem+json": {"schema": shapes.ref("Problem")}}
    return {"description": status.phrase, "headers": headers, "content": content}


_HEADERS: Final[Schema] = {
    "X-Correlation-ID": {
        "required": True,
        "description": "What the call is found by in the portal.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "ETag": {"required": False, "description": "The version of one object.", "schema": {"type": "string"}},
    "Location": {"required": False, "description": "Where a new object is.", "schema": {"type": "string"}},
}
