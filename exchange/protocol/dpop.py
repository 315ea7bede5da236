"""A DPoP proof: the caller holds this key, now, for this request (RFC 9449 sections 4.2 and 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from exchange.protocol.compact import MAX_TOKEN_LENGTH, NotCompact, parse_compact
from exchange.protocol.errors import OAuthError, refusal
from exchange.signatures import check_with
from exchange.spending import Purpose, SpendOnce
from policy.raw import RawToken
from policy.reasons import Reason, Rule, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from exchange.protocol.compact import CompactJws
    from exchange.signatures import Check
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
NONCE_LIFETIME: Final = timedelta(minutes=3)
"""How long a nonce of ours is good at most (section 8.2)."""
OTHER_CLOCK: Final = timedelta(days=1)
"""How wrong the caller's clock may be where a nonce proves the time instead (section 11.1, rule 98)."""
MAX_JTI_LENGTH: Final = 255
MAX_COORDINATE_LENGTH: Final = 88  # of P-521, the largest


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The thumbprint of the key that was proven in this request. ``spends`` is the proof's own ``jti``."""

    jkt: str
    spends: SpendOnce


def prove_possession(
    proofs: tuple[str, ...],
    *,
    method: str,
    url: str,
    now: datetime,
    nonces: AbstractSet[str] | None = None,
    ath: str | None = None,
) -> Proof | None:
    """What the proof of a request proves, or None where it carries none.

    ``nonces`` are those that are good now, where the proof must carry one; ``ath`` is the hash of the access token it
    must be for (section 4.2). Raises ``InvalidDpopProof`` or ``UseDpopNonce``.
    """
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
    if ath is not None and claims.get("ath") != ath:
        raise _invalid("ath: the hash of the access token", shown(claims.get("ath")))
    if nonces is not None:
        _check_nonce(claims.get("nonce"), nonces)
    return Proof(jkt=jkt, spends=_spend(claims, jkt, now, is_timed_by_us=nonces is not None))


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
    x, y = jwk.get("x"), jwk.get("y", "")
    if not isinstance(x, str) or not isinstance(y, str) or max(len(x), len(y)) > MAX_COORDINATE_LENGTH:
        raise _invalid("jwk: a public key that fits alg", "no coordinates")
    check, thumbprint = _key(algorithm, x, y)
    if not check(jws.signing_input, jws.signature):
        raise _invalid("a signature of the key in jwk", "another")
    return thumbprint


@lru_cache(maxsize=4096)
def _key(algorithm: str, x: str, y: str) -> tuple[Check, str]:
    """How a key's signatures are checked, and its thumbprint. Imported once: a client proves the same key each time."""
    kty, crv = ALGORITHMS[algorithm]
    members: dict[str, str | list[str]] = {"kty": kty, "crv": crv, "x": x}
    if kty == "EC":
        members["y"] = y
    try:
        key = JWKRegistry.import_key(members)
        return check_with(algorithm, key.get_op_key("verify")), key.thumbprint()
    except (JoseError, ValueError, TypeError) as error:
        raise _invalid("jwk: a public key that fits alg", type(error).__name__) from error


def _check_nonce(nonce: JSON, nonces: AbstractSet[str]) -> None:
    if not isinstance(nonce, str) or nonce not in nonces:
        received = "none" if nonce is None else "another"
        raise refusal(Reason.NONCE_MISSING, Rule.POSSESSION, "a nonce of the last minutes", received)


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


def _spend(claims: Mapping[str, JSON], jkt: str, now: datetime, *, is_timed_by_us: bool) -> SpendOnce:
    """Fresh by our clock or by our nonce (rule 98), and with an identifier that is spent while it could come again."""
    made, jti = claims.get("iat"), claims.get("jti")
    if isinstance(made, bool) or not isinstance(made, int | float) or not 0 <= made <= now.timestamp() * 2:
        raise _invalid("iat: a NumericDate", shown(made))
    made_at = datetime.fromtimestamp(made, UTC)
    oldest, newest = (OTHER_CLOCK, OTHER_CLOCK) if is_timed_by_us else (OLDEST, NEWEST)
    if not now - oldest <= made_at <= now + newest:
        raise _invalid(f"iat within the last {oldest.total_seconds():.0f} seconds", shown(made))
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI_LENGTH or not jti.isprintable():
        raise _invalid("jti: 1 to 255 printable characters", shown(jti))
    return SpendOnce(
        purpose=Purpose.DPOP_PROOF,
        issuer=jkt,
        jti=jti,
        expires_at=max(made_at + OLDEST + NEWEST, now + NONCE_LIFETIME),
        reason=Reason.PROOF_REPLAYED,
    )
