"""What an issuer says of its own opaque token, checked where it differs from a JWT (RFC 7662 s2.2, RFC 6749 s5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exchange.jwt_checks import Wrong
from policy.reasons import Reason, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policy.tokens import JSON, TokenType

INTROSPECTION: Final = "introspection"
"""In place of an algorithm, in traces."""


def check_declared(declared: TokenType, allowed: frozenset[TokenType]) -> Wrong | None:
    """The trust accepts tokens of the type that the request declares (rule 28)."""
    if declared in allowed:
        return None
    expected = " ".join(kind.rpartition(":")[2] for kind in sorted(allowed))
    return Wrong(reason=Reason.TYPE_MISMATCH, expected=expected, received=declared.rpartition(":")[2])


def check_told(claims: Mapping[str, JSON], issuer: str) -> Wrong | None:
    """Of this issuer where it says whose it is, an access token where it says what, and bound where it says so.

    An endpoint that serves several issuers, or answers about refresh tokens too, must not widen what is trusted.
    """
    said = claims.get("iss", issuer)
    if said != issuer:
        return Wrong(reason=Reason.ISSUER_UNTRUSTED, expected=f"iss: {issuer}", received=shown(said))
    kind = claims.get("token_type")
    if kind is None:
        return None
    known = {"bearer": True, "dpop": "cnf" in claims}
    if not isinstance(kind, str) or not known.get(kind.lower()):
        return Wrong(reason=Reason.TYPE_MISMATCH, expected="token_type: Bearer, or DPoP with cnf", received=shown(kind))
    return None
