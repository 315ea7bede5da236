"""What is sent: the form of each grant, and of the questions about a token (RFC 6749, RFC 8693, RFC 7662)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exchange.protocol.client_auth import JWT_BEARER_ASSERTION
from exchange.protocol.compact import MAX_TOKEN_LENGTH
from exchange.protocol.request import (
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    JWT_BEARER,
    MAX_SCOPE_LENGTH,
    MAX_TARGETS,
    TOKEN_EXCHANGE,
)
from policy.tokens import SUBJECT_TOKEN_TYPES, TokenType

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]

FORM: Final = "application/x-www-form-urlencoded"
_TEXT: Final[Schema] = {"type": "string", "minLength": 1}
_TOKEN: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": MAX_TOKEN_LENGTH}
_SCOPE: Final[Schema] = {
    "type": "string",
    "maxLength": MAX_SCOPE_LENGTH,
    "description": "Scope values separated by single spaces (RFC 6749 section 3.3). What was granted, the answer says.",
}
_CLIENT: Final[Mapping[str, Schema]] = {
    "client_id": _TEXT | {"description": "Needed with client_secret, a certificate, and for public clients."},
    "client_secret": _TEXT | {"description": "client_secret_post. Better in the Authorization field."},
    "client_assertion": _TOKEN | {"description": "A JWT of the client's own, good once (RFC 7523 section 2.2)."},
    "client_assertion_type": {"type": "string", "examples": [JWT_BEARER_ASSERTION]},
}
_TARGETS: Final[Mapping[str, Schema]] = {
    name: {"type": "array", "items": _TEXT, "maxItems": MAX_TARGETS, "description": f"{text} May repeat."}
    for name, text in (
        ("audience", "The name of a target (RFC 8693 section 2.1)."),
        ("resource", "An absolute URI of a target, without fragment (RFC 8707 section 2)."),
    )
}
_SUBJECT_TYPES: Final[Schema] = {"type": "string", "enum": sorted(SUBJECT_TOKEN_TYPES)}
_ISSUED_TYPES: Final[Schema] = {"type": "string", "enum": [TokenType.ACCESS_TOKEN, TokenType.JWT]}


def _form(title: str, required: Mapping[str, Schema], optional: Mapping[str, Schema]) -> Schema:
    """A form; members beyond these are ignored, and each may come once unless its description says otherwise."""
    return {
        "title": title,
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional, **_CLIENT},
    }


def _grant(title: str, grant_type: str, required: Mapping[str, Schema], optional: Mapping[str, Schema]) -> Schema:
    return _form(title, {"grant_type": {"type": "string", "const": grant_type}, **required}, optional)


_GRANTS: Final[Mapping[str, Schema]] = {
    TOKEN_EXCHANGE: _grant(
        "Token exchange (RFC 8693)",
        TOKEN_EXCHANGE,
        {"subject_token": _TOKEN, "subject_token_type": _SUBJECT_TYPES},
        {
            "actor_token": _TOKEN,
            "actor_token_type": _SUBJECT_TYPES,
            "requested_token_type": _ISSUED_TYPES,
            **_TARGETS,
            "scope": _SCOPE,
        },
    ),
    JWT_BEARER: _grant("JWT as a grant (RFC 7523)", JWT_BEARER, {"assertion": _TOKEN}, {**_TARGETS, "scope": _SCOPE}),
    CLIENT_CREDENTIALS: _grant(
        "Client credentials (RFC 6749 section 4.4)", CLIENT_CREDENTIALS, {}, {**_TARGETS, "scope": _SCOPE}
    ),
    "authorization_code": _grant(
        "Authorization code with PKCE (RFC 6749 section 4.1, RFC 7636)",
        "authorization_code",
        {"code": _TEXT, "redirect_uri": _TEXT, "code_verifier": _TEXT},
        {},
    ),
    "refresh_token": _grant(
        "Refresh (RFC 6749 section 6)", "refresh_token", {"refresh_token": _TEXT}, {"scope": _SCOPE}
    ),
    DEVICE_CODE: _grant("Device (RFC 8628)", DEVICE_CODE, {"device_code": _TEXT}, {}),
}
QUESTION: Final[Schema] = _form(
    "A token, and who asks",
    {"token": _TOKEN},
    {"token_type_hint": {"type": "string", "description": "Ignored: a token here says what it is."}},
)
DEVICE: Final[Schema] = _form("A device that asks to be let in (RFC 8628 section 3.1)", {}, {"scope": _SCOPE})


def token_request(grant_types: list[str]) -> Schema:
    """A form of one of these grants. Raises ``KeyError`` for a grant that is offered and not described."""
    return {"oneOf": [_GRANTS[grant_type] for grant_type in grant_types]}
