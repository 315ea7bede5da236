"""Checks that every JWT we read goes through, whoever signed it (RFC 7515 section 4.1, RFC 7519 section 4.1, RFC 8725).

They answer what is wrong, or None; the reader (a subject token, an actor token, a client assertion) turns that into
its own refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from exchange.keyring import ALGORITHMS, VerificationKey
from policy.reasons import Reason, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exchange.protocol.compact import CompactJws
    from policy.tokens import JSON

REFUSED_HEADERS: Final = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"})
"""Keys come from configuration alone, and nothing critical or encrypted is understood (rules 107, 108, 112)."""

MAX_KID_LENGTH: Final = 255
MAX_INSTANT: Final = 253_402_300_799  # the last second of the year 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Why a token will not do; its reader turns it into its own refusal."""

    reason: Reason
    expected: str
    received: str


def media_type(header: Mapping[str, JSON]) -> str:
    """The ``typ`` header in lower case without ``application/`` (RFC 7515 section 4.1.9); empty if absent."""
    typ = header.get("typ")
    return "" if typ is None else str(typ).lower().removeprefix("application/")


def check_header(jws: CompactJws, algorithms: frozenset[str]) -> Wrong | None:
    """Nothing refused in the header, and an algorithm from the allow list, compared exactly (rule 106)."""
    header = jws.unverified_header
    refused = REFUSED_HEADERS & header.keys()
    if refused:
        return Wrong(reason=Reason.HEADER_REFUSED, expected="no " + ", ".join(sorted(refused)), received="present")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms or algorithm not in ALGORITHMS:
        expected = " ".join(sorted(algorithms))
        return Wrong(reason=Reason.ALGORITHM_REFUSED, expected=expected, received=shown(algorithm))
    kid = header.get("kid")
    if kid is not None and (not isinstance(kid, str) or len(kid) > MAX_KID_LENGTH):
        return Wrong(reason=Reason.HEADER_REFUSED, expected="kid: a string of at most 255", received=shown(kid))
    return None


def check_signature(jws: CompactJws, key: VerificationKey) -> Wrong | None:
    """The key may verify this algorithm, and its signature is over exactly these bytes."""
    algorithm = str(jws.unverified_header["alg"])
    if algorithm not in key.algorithms:
        expected = " ".join(sorted(key.algorithms))
        return Wrong(reason=Reason.ALGORITHM_REFUSED, expected=f"{expected} for this key", received=algorithm)
    if not key.verify(algorithm, jws.signing_input, jws.signature):
        return Wrong(reason=Reason.SIGNATURE_WRONG, expected=f"a signature of key {shown(key.kid)}", received="another")
    return None


def instant(claims: Mapping[str, JSON], name: str) -> datetime | Wrong | None:
    """A NumericDate (RFC 7519 section 2), or None where absent. Booleans, strings and the year 10,000 are wrong."""
    value = claims.get(name)
    if value is None:
        return None
    if not (type(value) is int or type(value) is float) or not 0 <= value <= MAX_INSTANT:
        return Wrong(reason=Reason.CLAIM_MALFORMED, expected=f"{name}: a NumericDate", received=shown(value))
    return datetime.fromtimestamp(value, UTC)


def check_times(
    claims: Mapping[str, JSON], *, leeway: timedelta, longest: timedelta, now: datetime
) -> datetime | Wrong:
    """When the token ends, if it is in its time window and lives no longer than allowed (RFC 7519 section 4.1)."""
    instants: list[datetime | None] = []
    for name in ("exp", "nbf", "iat"):
        found = instant(claims, name)
        if isinstance(found, Wrong):
            return found
        instants.append(found)
    expires_at, not_before, issued_at = instants
    if expires_at is None:
        return Wrong(reason=Reason.CLAIM_MALFORMED, expected="exp", received="absent")
    if now >= expires_at + leeway:
        return Wrong(reason=Reason.TOKEN_EXPIRED, expected=f"exp after {now:%FT%TZ}", received=f"{expires_at:%FT%TZ}")
    for name, start in (("nbf", not_before), ("iat", issued_at)):
        if start is not None and start > now + leeway:
            expected = f"{name} before {now:%FT%TZ}"
            return Wrong(reason=Reason.TOKEN_NOT_YET_VALID, expected=expected, received=f"{start:%FT%TZ}")
    lifetime = expires_at - (issued_at or now + leeway)
    if lifetime > longest:
        return Wrong(reason=Reason.LIFETIME_TOO_LONG, expected=f"at most {longest}", received=str(lifetime))
    return expires_at


def strings(value: JSON) -> tuple[str, ...] | None:
    """A string or a list of strings as a tuple; None for anything else (``aud``, RFC 7519 section 4.1.3)."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(str(item) for item in value)
    return None
