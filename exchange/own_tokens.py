"""Our own access tokens, read back: signature, type, issuer and times (RFC 9068 section 4, RFC 7662 section 2.2).

What a reference token says, ``exchange.references`` asks the database; whether a token was revoked meanwhile,
``exchange.standings`` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from exchange.claims import ACCESS_TOKEN_TYPE
from exchange.jwt_checks import Wrong, check_header, check_signature, check_times, media_type, strings
from exchange.protocol.compact import NotCompact, parse_compact
from policy.reasons import Reason, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exchange.keyring import KeyRing
    from exchange.protocol.compact import CompactJws
    from policy.raw import RawToken
    from policy.tokens import JSON

ALGORITHMS: Final = frozenset({"ES256"})
NO_LEEWAY: Final = timedelta(0)
LONGEST: Final = timedelta(days=1)
"""Longer than any token of any installation: what bounds a lifetime is the decision, not this reader."""


PREFIX: Final = "ho_"
"""How the text of a reference token begins. No JWT can: base64url of a JSON object begins with ``e``."""
REFERENCE: Final = "reference"
"""In place of an algorithm, in traces."""


def is_reference(token: RawToken) -> bool:
    """Whether a text has the form of our reference tokens: then nobody else is ever asked about it."""
    return token.reveal().startswith(PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnToken:
    """A token that we issued, within its times. It may have been revoked. A reference has no ``key_id``."""

    id: str
    client_id: str
    audience: tuple[str, ...]
    claims: Mapping[str, JSON]
    expires_at: datetime
    key_id: str


def read_own(token: RawToken, keys: KeyRing, *, issuer: str, now: datetime) -> OwnToken | Wrong:
    """The token, or why it is none of ours in force. It never raises: whoever asks may hold anything at all."""
    try:
        jws = parse_compact(token)
    except NotCompact as error:
        return Wrong(reason=Reason.TOKEN_MALFORMED, expected="a token of ours", received=str(error))
    return check_own(jws, keys, issuer=issuer, now=now)


def check_own(jws: CompactJws, keys: KeyRing, *, issuer: str, now: datetime) -> OwnToken | Wrong:
    """As ``read_own``, of a token that was taken apart already."""
    wrong = check_header(jws, ALGORITHMS)
    if wrong is not None:
        return wrong
    kid, typ = jws.unverified_header.get("kid"), media_type(jws.unverified_header)
    key = keys.find(kid) if isinstance(kid, str) else None
    if key is None:
        return Wrong(reason=Reason.KEY_UNKNOWN, expected="a key of ours", received=f"kid {shown(kid)}")
    wrong = check_signature(jws, key)
    if wrong is not None:
        return wrong
    if typ != ACCESS_TOKEN_TYPE:
        return Wrong(reason=Reason.TYPE_MISMATCH, expected=ACCESS_TOKEN_TYPE, received=shown(typ))
    return in_force(jws.unverified_claims, key.kid, issuer=issuer, now=now)


def in_force(claims: Mapping[str, JSON], kid: str, *, issuer: str, now: datetime) -> OwnToken | Wrong:
    """A token whose signature is ours, or whose claims we kept: still ours by name, and within its times."""
    if claims.get("iss") != issuer:
        return Wrong(reason=Reason.ISSUER_UNTRUSTED, expected=issuer, received=shown(claims.get("iss")))
    ends = check_times(claims, leeway=NO_LEEWAY, longest=LONGEST, now=now)
    if isinstance(ends, Wrong):
        return ends
    return OwnToken(
        id=str(UUID(str(claims["jti"]))),
        client_id=str(claims["client_id"]),
        audience=strings(claims.get("aud")) or (),
        claims=claims,
        expires_at=ends,
        key_id=kid,
    )
