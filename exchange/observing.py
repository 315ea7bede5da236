"""One look at what an issuer publishes: its document, its keys, and until when its certificate is good.

RFC 8414 section 3 and RFC 7517 section 5, read through the guarded client with its limits; what comes is written down
and compared, never believed. The keys that tokens are verified with come by ``exchange.jwks`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exchange.discovery import DocumentRefused, answered_metadata, document_of, published_uri
from exchange.outbound import OutboundError
from partners.health import public_key
from partners.key_sources import Claim
from partners.keysets import KeySetRefused, examine_jwks
from partners.states import KeyMethod

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from exchange.outbound import Fetched, Outbound
    from partners.watched import WatchedTrust

MAX_TEXT: Final = 512
MAX_ALGORITHMS: Final = 40
_OF_CURVE: Final = {"P-256": 128, "P-384": 192, "P-521": 256, "Ed25519": 128, "Ed448": 224}
_OF_MODULUS: Final = ((15_360, 256), (7_680, 192), (3_072, 128), (2_048, 112), (1_024, 80))
"""Bits of a modulus and the bits of security they are worth (NIST SP 800-57 part 1, table 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKey:
    """One key as published: its thumbprint, name, kind, and bits of security."""

    thumbprint: str
    kid: str
    kind: str
    strength: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What one look brought. With an ``error`` it is not whole, and nothing but the error is compared."""

    error: str = ""
    jwks_uri: str = ""
    token_endpoint: str = ""
    advertised: tuple[str, ...] = ()
    keys: tuple[PublishedKey, ...] = ()
    weak: tuple[str, ...] = ()
    """Names of published keys that are too weak to be taken."""
    certificate_ends_at: datetime | None = None


def look_at(http: Outbound, trust: WatchedTrust) -> Picture:
    """Look once. A failure is a picture too: of what happened, and why."""
    try:
        return _look(http, trust)
    except (OutboundError, DocumentRefused, KeySetRefused) as error:
        return Picture(error=str(error)[:300])


def _look(http: Outbound, trust: WatchedTrust) -> Picture:
    source = f"watch:{trust.id}"
    metadata: Mapping[str, Any] = {}
    answers: list[Fetched] = []
    jwks_uri = trust.jwks_uri or trust.location
    published = jwks_uri
    if trust.method == KeyMethod.DISCOVERY:
        claim = Claim(id=trust.id, method=trust.method, location=trust.location, jwks_uri="", etag="")
        metadata, answer = answered_metadata(http, claim, source=source)
        answers.append(answer)
        published = published_uri(dict(metadata), trust.location)
        jwks_uri = trust.jwks_uri or published
    answers.append(http.get(jwks_uri, source=source))
    examined = examine_jwks(document_of(answers[-1]))
    return Picture(
        jwks_uri=published,
        token_endpoint=_text(metadata.get("token_endpoint")),
        advertised=tuple(_algorithms(metadata)),
        keys=tuple(map(_published, examined.keys)),
        weak=tuple(key.kid for key in examined.left_out if key.is_weak),
        certificate_ends_at=min(filter(None, (answer.certificate_ends_at for answer in answers)), default=None),
    )


def _text(value: object) -> str:
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def _algorithms(metadata: Mapping[str, Any]) -> Iterator[str]:
    """What it says it signs with; the rest of the world's lists are longer than anybody's need."""
    named = metadata.get("id_token_signing_alg_values_supported")
    if isinstance(named, list):
        yield from sorted({name for name in named if isinstance(name, str) and len(name) <= MAX_ALGORITHMS})[
            :MAX_ALGORITHMS
        ]


def _published(key: Mapping[str, Any]) -> PublishedKey:
    shown = public_key(key)
    bits = 6 * len(str(key.get("n", ""))) // 64 * 64
    return PublishedKey(
        thumbprint=shown.thumbprint,
        kid=shown.kid,
        kind=f"{shown.kty} {bits}" if bits else shown.kty,
        strength=_strength(key, bits),
    )


def _strength(key: Mapping[str, Any], bits: int) -> int:
    if bits:
        return next((worth for size, worth in _OF_MODULUS if bits >= size), 0)
    return _OF_CURVE.get(str(key.get("crv", "")), 0)
