"""What a trail says of a verified token: how it was proven, when it ends, and its claims (RFC 8693 section 6).

It follows from the token alone, so a token that is familiar (``exchange.familiar``) is described once: the same object
says the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from exchange.generations import Generations
from policy.reasons import shown

if TYPE_CHECKING:
    from policy.tokens import VerifiedToken

LARGEST_INTEGER: Final = 2**53 - 1
"""The largest integer of RFC 8785 section 3.2.2.3 (RFC 7493 section 2.2)."""

MAX_KEPT: Final = 2048
"""Of each of two generations, as many as tokens are familiar."""


class Said(NamedTuple):
    """Of one token; ``facts`` are shared by all events that tell of it, and nobody changes them."""

    token: VerifiedToken
    proof: str
    end: str
    facts: dict[str, Any]


_said: Final = Generations[int, Said](MAX_KEPT)


def said_of(token: VerifiedToken) -> Said:
    """What is said of this very token. It is kept with what is said, so that its place in memory names no other."""
    said = _said.get(id(token))
    if said is None or said.token is not token:
        expires = f"expires {token.expires_at.isoformat()[:19]}Z"  # a tenth of what strftime costs
        by_key = f" by key {shown(token.key_id)}" if token.key_id else ""
        said = Said(token, f"{token.algorithm}{by_key}", expires, _facts(token))
        _said.keep(id(token), said)
    return said


def _facts(token: VerifiedToken) -> dict[str, Any]:
    """A verified token without its text: the claims are what rules can read, kept so that a draft can be replayed."""
    return {
        "issuer": token.issuer,
        "subject": token.subject,
        "jti": token.token_id,
        "digest": token.digest,
        "type": token.token_type,
        "alg": token.algorithm,
        "kid": token.key_id,
        "claims": storable(token.claims),
    }


def storable(value: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    """Claims as an event may hold them: floats, and integers that a float cannot hold exactly, as text.

    RFC 8785 spells such numbers in ways few implementations agree on; rules compare whole numbers only.
    """
    kind = type(value)
    if kind is dict:
        return {name: storable(item) for name, item in value.items()}
    if kind is list:
        return [storable(item) for item in value]
    if kind is float or (kind is int and not -LARGEST_INTEGER <= value <= LARGEST_INTEGER):
        return repr(value)
    return value
