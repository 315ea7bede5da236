"""The ID token of a sign-in, believed only after every check of OpenID Connect Core section 3.1.3.7 (rule 146)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from exchange.jwt_checks import Wrong, check_header, check_signature, check_times, media_type, strings
from exchange.protocol.compact import NotCompact, parse_compact
from policy.raw import RawToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exchange.protocol.compact import CompactJws
    from policy.tokens import JSON
    from portal.signing_in.openid.provider import Provider

ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256", "ES384", "RS384", "PS384", "EdDSA", "Ed25519"})
LEEWAY: Final = timedelta(seconds=60)
LONGEST: Final = timedelta(days=1)
MAX_SUBJECT: Final = 255


class NotBelieved(Exception):
    """The ID token is not one to sign somebody in with. The message says why; it is for the log."""


class UnknownKey(NotBelieved):
    """The token names a key we do not know: reading the keys again may help, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What the provider says about the person who signed in."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str
    groups: frozenset[str]
    is_multiple: bool
    """Whether more than one factor was used there (``amr`` with ``mfa``, RFC 8176 section 2)."""
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the token must say, beside what every token must."""

    client_id: str
    nonce: str
    groups_claim: str


def believe(text: str, known: Provider, expected: Expected, *, now: datetime) -> Claims:
    """The claims of a token that holds. Raises ``NotBelieved``."""
    try:
        jws = parse_compact(RawToken(text))
    except NotCompact as error:
        raise NotBelieved(str(error)) from error
    _refuse(check_header(jws, ALGORITHMS))
    if media_type(jws.unverified_header) not in {"", "jwt"}:
        raise NotBelieved("its typ is of another kind of token")
    _check_key(jws, known)
    claims = jws.unverified_claims
    _check_parties(claims, known, expected)
    ends = check_times(claims, leeway=LEEWAY, longest=LONGEST, now=now)
    _refuse(ends if isinstance(ends, Wrong) else None)
    return _read(claims, known.issuer, expected.groups_claim)


def _check_key(jws: CompactJws, known: Provider) -> None:
    kid = jws.unverified_header.get("kid")
    key = known.keys.find(None if kid is None else str(kid))
    if key is None:
        raise UnknownKey("it names a key that the provider does not publish")
    _refuse(check_signature(jws, key))


def _check_parties(claims: Mapping[str, JSON], known: Provider, expected: Expected) -> None:
    audience = strings(claims.get("aud")) or ()
    if claims.get("iss") != known.issuer:
        raise NotBelieved("another issuer made it")
    if expected.client_id not in audience or (len(audience) > 1 and claims.get("azp") != expected.client_id):
        raise NotBelieved("it is for somebody else")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise NotBelieved("it was made for another client")
    if not compare_digest(str(claims.get("nonce", "")), expected.nonce):
        raise NotBelieved("it answers another sign-in")


def _read(claims: Mapping[str, JSON], issuer: str, groups_claim: str) -> Claims:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= MAX_SUBJECT or "\x00" in subject:
        raise NotBelieved("it has no usable sub")
    at = claims.get("auth_time")
    return Claims(
        issuer=issuer,
        subject=subject,
        email=_text(claims, "email", 254),
        email_verified=claims.get("email_verified") is True,
        name=_text(claims, "name", 120),
        groups=frozenset(strings(claims.get(groups_claim)) or ()),
        is_multiple="mfa" in (strings(claims.get("amr")) or ()),
        signed_in_at=datetime.fromtimestamp(at, UTC) if type(at) is int and 0 <= at < 2**33 else None,
    )


def _text(claims: Mapping[str, JSON], name: str, longest: int) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) and len(value) <= longest and "\x00" not in value else ""


def _refuse(wrong: Wrong | None) -> None:
    if wrong is not None:
        raise NotBelieved(f"{wrong.reason}: expected {wrong.expected}")
