"""A DPoP proof: the caller holds this key, now, for this request (RFC 9449 sections 4.2 and 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry
from joserfc.jws import JWSRegistry

from exchange.protocol.compact import MAX_TOKEN_LENGTH, NotCompact, parse_compact
from exchange.protocol.errors import OAuthError, refusal
from exchange.spending import Purpose, SpendOnce
from policy.raw import RawToken
from policy.reasons import Reason, Rule, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exchange.protocol.compact import CompactJws
    from policy.tokens import JSON

ALGORITHMS: Final[Mapping[str, tuple[str, str]]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "Ed25519": ("OKP", "Ed25519"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Algorithms of proofs and the key each needs. RSA is left out: its keys would make every proof a kilobyte."""

OLDEST: Final = timedelta(seconds=60)
NEWEST: Final = timedelta(seconds=10)
MAX_JTI_LENGTH: Final = 255
_MEMBERS: Final = frozenset({"kty", "crv", "x", "y"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The key proven in this request; the token to be issued is bound to it. ``spends`` is the proof's own ``jti``."""

    jkt: str
    spends: SpendOnce


def prove_possession(proofs: tuple[str, ...], *, method: str, url: str, now: datetime) -> Binding | None:
    """The binding that a request proves, or None where it carries no proof. Raises ``InvalidDpopProof``."""
    if not proofs:
        return None
    if len(proofs) > 1 or len(proofs[0]) > MAX_TOKEN_LENGTH:
        raise _invalid("one DPoP header", str(len(proofs)))
    try:
        jws = parse_compact(RawToken(proofs[0]))
    except NotCompact as error:
        raise _invalid("a compact JWS", str(error)) from error
    jkt = _verify(jws)
    claims = jws.unverified_claims
    if claims.get("htm") != method:
        raise _invalid(f"htm {method}", shown(claims.get("htm")))
    if _normal(claims.get("htu")) != _normal(url):
        raise _invalid(f"htu {url}", shown(claims.get("htu")))
    return Binding(jkt=jkt, spends=_spend(claims, jkt, now))


def _invalid(expected: str, received: str) -> OAuthError:
    return refusal(Reason.PROOF_INVALID, Rule.POSSESSION, expected, received)


def _verify(jws: CompactJws) -> str:
    """The thumbprint (RFC 7638) of the public key in the header, once it verified the proof."""
    header = jws.unverified_header
    if header.get("typ") != "dpop+jwt":
        raise _invalid("typ dpop+jwt", shown(header.get("typ")))
    algorithm, jwk = header.get("alg"), header.get("jwk")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS or "crit" in header:
        raise _invalid("alg " + " ".join(ALGORITHMS), shown(algorithm))
    if not isinstance(jwk, dict) or "d" in jwk or (jwk.get("kty"), jwk.get("crv")) != ALGORITHMS[algorithm]:
        raise _invalid("jwk: a public key that fits alg", "another")
    try:
        key = JWKRegistry.import_key({name: str(value) for name, value in jwk.items() if name in _MEMBERS})
        verified = JWSRegistry.algorithms[algorithm].verify(jws.signing_input, jws.signature, key)
        thumbprint = key.thumbprint()
    except (JoseError, ValueError, TypeError) as error:
        raise _invalid("jwk: a public key that fits alg", type(error).__name__) from error
    if not verified:
        raise _invalid("a signature of the key in jwk", "another")
    return thumbprint


def _normal(url: JSON) -> tuple[str, str, int | None, str] | None:
    """A URL without query and fragment, its case and default port made equal (RFC 9449 section 4.3, rule 97).

    None for what ``urlsplit`` would read more kindly than it is written: blanks, control characters, a user.
    """
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = {"https": 443, "http": 80}.get(parts.scheme.lower()) if parts.port is None else parts.port
    except ValueError:
        return None
    if "@" in parts.netloc:
        return None
    return parts.scheme.lower(), (parts.hostname or "").lower(), port, parts.path or "/"


def _spend(claims: Mapping[str, JSON], jkt: str, now: datetime) -> SpendOnce:
    """Fresh by our clock (rule 98), and with an identifier that is spent for as long as the proof could come again."""
    made, jti = claims.get("iat"), claims.get("jti")
    if isinstance(made, bool) or not isinstance(made, int | float) or not 0 <= made <= now.timestamp() * 2:
        raise _invalid("iat: a NumericDate", shown(made))
    made_at = datetime.fromtimestamp(made, UTC)
    if not now - OLDEST <= made_at <= now + NEWEST:
        raise _invalid("iat within the last 60 seconds", shown(made))
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI_LENGTH or not jti.isprintable():
        raise _invalid("jti: 1 to 255 printable characters", shown(jti))
    return SpendOnce(
        purpose=Purpose.DPOP_PROOF,
        issuer=jkt,
        jti=jti,
        expires_at=made_at + OLDEST + NEWEST,
        reason=Reason.PROOF_REPLAYED,
    )
