"""The question about a token and what is answered: RFC 7662 sections 2.1 and 2.2, RFC 7009 section 2.1, RFC 9701."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from exchange.protocol.compact import MAX_TOKEN_LENGTH
from exchange.protocol.errors import refusal
from exchange.protocol.response import NO_STORE, Answer
from policy.raw import RawToken
from policy.reasons import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exchange.protocol.form import Form
    from policy.tokens import JSON

SIGNED_TYPE: Final = "token-introspection+jwt"
_MEDIA_TYPE: Final = f"application/{SIGNED_TYPE}"
_TOLD: Final = ("iss", "sub", "aud", "client_id", "exp", "iat", "jti", "act", "may_act", "cnf", "txn", "fam", "src")
"""What is told of an active token beside its scope; never a claim that some target's mapping put in for that target."""


def parse_question(form: Form) -> RawToken:
    """The token that is asked about. ``token_type_hint`` is a hint, and ours need none. Raises ``InvalidRequest``."""
    token = form.require("token")
    if len(token) > MAX_TOKEN_LENGTH:
        raise refusal(Reason.TOKEN_TOO_LARGE, Rule.REQUEST, "token of at most 16384 characters", str(len(token)))
    return RawToken(token)


def wants_signature(accept: str) -> bool:
    """Whether the caller asks for the answer as a signed JWT (RFC 9701 section 4)."""
    return any(kind.partition(";")[0].strip().lower() == _MEDIA_TYPE for kind in accept.split(","))


def told(claims: Mapping[str, JSON], scope: str) -> dict[str, JSON]:
    """The members of an answer about an active token; ``scope`` is trimmed to what concerns the caller (rule 80)."""
    bound_to_key = isinstance(claims.get("cnf"), dict) and "jkt" in claims["cnf"]  # type: ignore[operator]
    kind = "DPoP" if bound_to_key else "Bearer"
    members = {name: claims[name] for name in _TOLD if name in claims}
    return {"active": True, "scope": scope, "token_type": kind, **members}


def plain(members: Mapping[str, JSON]) -> Answer:
    """The answer as JSON."""
    return Answer(status=200, headers=NO_STORE, body=orjson.dumps(members))


def signed(compact: bytes) -> Answer:
    """The answer as a JWT (RFC 9701 section 5)."""
    headers = tuple((name, _MEDIA_TYPE.encode() if name == b"content-type" else value) for name, value in NO_STORE)
    return Answer(status=200, headers=headers, body=compact)


def envelope(members: Mapping[str, JSON], *, issuer: str, audience: str, issued_at: int) -> dict[str, Any]:
    """The claims of a signed answer. No ``sub`` and no ``exp`` on top, so that it never passes as an access token."""
    return {"iss": issuer, "aud": audience, "iat": issued_at, "token_introspection": members}
