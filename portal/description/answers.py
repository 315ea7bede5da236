"""What comes back: the bodies and header fields of every answer (RFC 6749 s5, RFC 8693 s2.2.1, RFC 7662 s2.2)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from exchange.protocol.errors import WIRE
from exchange.protocol.introspection import SIGNED_TYPE
from policy.tokens import TokenType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from portal.description.requests import Schema

JSON: Final = "application/json"
PLAIN: Final = "text/plain"


def _field(text: str, **schema: Any) -> Schema:  # noqa: ANN401 - JSON Schema's keywords
    return {"description": text, "required": True, "schema": {"type": "string"} | schema}


FIELDS: Final[Mapping[str, Schema]] = {
    "X-Correlation-ID": _field("The reference under which the portal shows the whole story.", format="uuid"),
    "X-Content-Type-Options": _field("Never guess the type.", const="nosniff"),
    "Cache-Control": _field("How long the answer may be kept."),
    "Retry-After": _field("Whole seconds to wait (RFC 9110 section 10.2.3).", pattern="^[1-9][0-9]*$"),
    "RateLimit": _field("The limit that was reached and when it opens (draft-ietf-httpapi-ratelimit-headers)."),
    "RateLimit-Policy": _field("The limit that was reached and its measure."),
    "WWW-Authenticate": _field("The scheme to authenticate with (RFC 6749 section 5.2, RFC 6750 section 3)."),
    "DPoP-Nonce": _field("The nonce that the next DPoP proof must hold (RFC 9449 section 8).") | {"required": False},
    "Allow": _field("The methods that are answered."),
}
_ALWAYS: Final = ("X-Content-Type-Options", "Cache-Control")
_OF_REQUESTS: Final = ("X-Correlation-ID", *_ALWAYS)
_OPTIONAL: Final = frozenset({"DPoP-Nonce", "WWW-Authenticate"})
_FURTHER: Final[Mapping[int, tuple[str, ...]]] = {
    HTTPStatus.BAD_REQUEST: ("DPoP-Nonce",),
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate",),
    HTTPStatus.METHOD_NOT_ALLOWED: ("Allow",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
}
ERROR: Final[Schema] = {
    "title": "An OAuth error (RFC 6749 section 5.2)",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "enum": sorted({error.error for error in WIRE.values()})},
        "error_description": {
            "type": "string",
            "pattern": r"^[\x20-\x21\x23-\x5B\x5D-\x7E]*$",
            "description": "Fixed words for people; their last one is the reference. Programs read error alone.",
        },
    },
}
TOKEN: Final[Schema] = {
    "title": "A token (RFC 6749 section 5.1, RFC 8693 section 2.2.1)",
    "type": "object",
    "required": ["access_token", "token_type", "expires_in", "scope"],
    "properties": {
        "access_token": {"type": "string"},
        "token_type": {"type": "string", "enum": ["Bearer", "DPoP"]},
        "issued_token_type": {"type": "string", "enum": [TokenType.ACCESS_TOKEN]},
        "expires_in": {"type": "integer", "minimum": 1},
        "scope": {"type": "string"},
        "refresh_token": {"type": "string", "description": "Of interactive grants alone."},
        "id_token": {"type": "string", "description": "Of interactive grants alone."},
    },
}
INTROSPECTION: Final[Schema] = {
    "title": "What a token is worth now (RFC 7662 section 2.2)",
    "type": "object",
    "required": ["active"],
    "properties": {
        "active": {"type": "boolean"},
        **{name: {"type": "string"} for name in ("iss", "sub", "client_id", "jti", "scope", "txn", "token_type")},
        **{name: {"type": "integer"} for name in ("exp", "iat")},
        **{name: {"type": "object"} for name in ("act", "may_act", "cnf", "src")},
    },
}
DEVICE_CODES: Final[Schema] = {
    "title": "The codes of a device (RFC 8628 section 3.2)",
    "type": "object",
    "required": ["device_code", "user_code", "verification_uri", "expires_in"],
    "properties": {
        "device_code": {"type": "string", "description": "What the device asks for its token with."},
        "user_code": {"type": "string", "pattern": "^[B-Z]{4}-[B-Z]{4}$", "description": "What its user enters."},
        "verification_uri": {"type": "string", "format": "uri"},
        "verification_uri_complete": {"type": "string", "format": "uri"},
        "expires_in": {"type": "integer", "minimum": 1},
        "interval": {"type": "integer", "minimum": 1},
    },
}
NOTHING: Final[Schema] = {"type": "object", "maxProperties": 0}
KEYS: Final[Schema] = {
    "title": "Our public keys (RFC 7517)",
    "type": "object",
    "required": ["keys"],
    "properties": {"keys": {"type": "array", "items": {"type": "object", "required": ["kty", "kid"]}}},
}
METADATA: Final[Schema] = {
    "title": "What this server does (RFC 8414)",
    "type": "object",
    "required": ["issuer", "token_endpoint", "jwks_uri", "grant_types_supported", "response_types_supported"],
    "properties": {"issuer": {"type": "string"}, "grant_types_supported": {"type": "array"}},
}
RESOURCE: Final[Schema] = {
    "title": "Our own API (RFC 9728)",
    "type": "object",
    "required": ["resource", "authorization_servers", "scopes_supported", "bearer_methods_supported"],
    "properties": {"resource": {"type": "string"}, "authorization_servers": {"type": "array"}},
}
SIGNED_INTROSPECTION: Final = f"application/{SIGNED_TYPE}"


def answer(
    description: str, content: Mapping[str, Schema], fields: Iterable[str] = (), *, of_request: bool = True
) -> Schema:
    """One answer: its bodies by media type, and its header fields. Documents that caches keep have no reference."""
    names = (*(_OF_REQUESTS if of_request else _ALWAYS), *fields)
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names if name not in _OPTIONAL}
    for name in _OPTIONAL.intersection(names):
        headers[name] = FIELDS[name] | {"required": False}
    body = {"content": {kind: {"schema": schema} for kind, schema in content.items()}} if content else {}
    return {"description": description, "headers": dict(sorted(headers.items())), **body}


def refusals() -> dict[str, Schema]:
    """Every status that a form can be refused with, and its errors."""
    found: dict[int, set[str]] = {}
    for error in WIRE.values():
        found.setdefault(error.status, set()).add(error.error)
    return {str(status): refusal(status, errors) for status, errors in sorted(found.items())}


def refusal(status: int, errors: Iterable[str]) -> Schema:
    """One status of refusal with the OAuth error of its body."""
    described = f"{HTTPStatus(status).phrase}: {', '.join(sorted(errors))}"
    return answer(described, {JSON: {"$ref": "#/components/schemas/Error"}}, _FURTHER.get(status, ()))
