"""What goes back: the success body, the error body, and the metadata (RFC 8693 s2.2.1, RFC 6749 s5, RFC 8414)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson
from msgspec import Struct

from exchange.keyring import ALGORITHMS
from exchange.protocol import dpop
from exchange.protocol.oauth_errors import SlowDown
from exchange.protocol.request import CLIENT_CREDENTIALS, DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE
from policy.parties import BY_CERTIFICATE, ClientAuthentication

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exchange.protocol.oauth_errors import OAuthError, Pause
    from exchange.signed_token import SignedToken
    from policy.tokens import TokenType

Header = tuple[bytes, bytes]

NO_STORE: Final[tuple[Header, ...]] = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
)
RETRY_AFTER_SECONDS: Final = 2
API_PATH: Final = "/api"


class Answer(Struct, frozen=True, kw_only=True):
    """A complete HTTP answer."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


def success(signed: SignedToken, issued_token_type: TokenType | None) -> Answer:
    """The token, its type, how long it lasts and what it may do; always all four (rules 50 to 52).

    ``issued_token_type`` is a word of token exchange alone (RFC 8693 section 2.2.1).
    """
    exchanged = {} if issued_token_type is None else {"issued_token_type": issued_token_type}
    body = {
        "access_token": signed.token.reveal(),
        **exchanged,
        "token_type": signed.token_type,
        "expires_in": signed.expires_at - signed.issued_at,
        "scope": " ".join(sorted(signed.granted.scope)),
    }
    return Answer(status=200, headers=NO_STORE, body=orjson.dumps(body))


def failure(error: OAuthError, correlation_id: str) -> Answer:
    """The error with its fixed words and the reference under which the portal shows the rest (rule 54)."""
    headers = list(NO_STORE)
    if error.status == HTTPStatus.UNAUTHORIZED and error.is_challenged:
        headers.append((b"www-authenticate", b'Basic realm="handover", charset="UTF-8"'))
    if error.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", b"POST"))
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    if isinstance(error, SlowDown) and error.pause is not None:
        headers += _pause_fields(error.pause)
    body = {"error": error.error, "error_description": f"{error.description} Reference {correlation_id}."}
    return Answer(status=error.status, headers=tuple(headers), body=orjson.dumps(body))


def _pause_fields(pause: Pause) -> tuple[Header, ...]:
    """When to come back, and which limit it was (RFC 9110 section 10.2.3, draft-ietf-httpapi-ratelimit-headers)."""
    return (
        (b"retry-after", b"%d" % pause.seconds),
        (b"ratelimit-policy", f'"{pause.policy}";q={pause.quota};w={pause.window}'.encode()),
        (b"ratelimit", f'"{pause.policy}";r=0;t={pause.seconds}'.encode()),
    )


def metadata(issuer: str, *, takes_certificates: bool) -> dict[str, Any]:
    """The authorization server's metadata: what works now, and never whom we trust (rules 82 to 84).

    ``takes_certificates``: whether a proxy of ours can tell us the client's certificate (RFC 8705 sections 3.3 and 5).
    """
    unlisted = {ClientAuthentication.WORKLOAD_JWT} | (set() if takes_certificates else BY_CERTIFICATE)
    methods = [method for method in ClientAuthentication if method not in unlisted]
    certificates = {
        "tls_client_certificate_bound_access_tokens": True,
        "mtls_endpoint_aliases": {
            "token_endpoint": f"{issuer}/oauth/token",
            "introspection_endpoint": f"{issuer}/oauth/introspect",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "device_authorization_endpoint": f"{issuer}/oauth/device-authorization",
        },
    }
    return (certificates if takes_certificates else {}) | {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "device_authorization_endpoint": f"{issuer}/oauth/device-authorization",
        "jwks_uri": f"{issuer}/oauth/jwks",
        **_about_tokens(issuer, methods),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            TOKEN_EXCHANGE,
            JWT_BEARER,
            CLIENT_CREDENTIALS,
            "authorization_code",
            "refresh_token",
            DEVICE_CODE,
        ],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": sorted(ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "protected_resources": [issuer + API_PATH],
    }


def resource_metadata(issuer: str, scopes: Iterable[str], *, takes_certificates: bool) -> dict[str, Any]:
    """Our own API as a protected resource: whose tokens it takes, and for what (RFC 9728 section 2)."""
    return {
        "resource": issuer + API_PATH,
        "authorization_servers": [issuer],
        "scopes_supported": list(scopes),
        "bearer_methods_supported": ["header"],
        "resource_name": "Handover",
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": takes_certificates,
    }


def _about_tokens(issuer: str, methods: list[ClientAuthentication]) -> dict[str, Any]:
    """Where tokens are asked about and given back, with the credentials of the token endpoint (RFC 7662, RFC 7009)."""
    about: dict[str, Any] = {}
    for name, path in (("introspection", "introspect"), ("revocation", "revoke")):
        about[f"{name}_endpoint"] = f"{issuer}/oauth/{path}"
        about[f"{name}_endpoint_auth_methods_supported"] = methods
        about[f"{name}_endpoint_auth_signing_alg_values_supported"] = sorted(ALGORITHMS)
    return about | {"introspection_signing_alg_values_supported": ["ES256"]}
