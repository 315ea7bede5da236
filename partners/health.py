"""The public keys of a signer as pages show them: where they come from, how they stand, and their fingerprints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from partners.states import KeyMethod

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from partners import models

ENDING_SOON: Final = timedelta(hours=6)


class KeyHealth(StrEnum):
    """Whether a set of public keys can be relied on. ``WAITING``: nothing was fetched yet."""

    HEALTHY = "healthy"
    WAITING = "waiting"
    FAILING = "failing"
    ENDING = "ending"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """One public key. ``thumbprint`` is its RFC 7638 fingerprint, empty where the key cannot be read."""

    kid: str
    kty: str
    alg: str
    thumbprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """Where keys come from, how the last fetch went, and the keys in force."""

    method: str
    location: str
    jwks_uri: str
    fetched_at: datetime | None
    usable_until: datetime | None
    failures: int
    last_error: str
    keys: tuple[PublicKey, ...]

    def health(self, now: datetime) -> KeyHealth:
        """How these keys stand at an instant."""
        return health_of(self, now)


def health_of(source: KeySource | models.KeySource, now: datetime) -> KeyHealth:
    """How a key source stands; uploaded keys have no end and no fetch that could fail."""
    if source.method == KeyMethod.UPLOADED:
        return KeyHealth.HEALTHY
    until = source.usable_until
    if until is not None and until <= now:
        return KeyHealth.ENDED
    if source.failures:
        return KeyHealth.ENDING if until is not None and until <= now + ENDING_SOON else KeyHealth.FAILING
    return KeyHealth.HEALTHY if source.fetched_at is not None else KeyHealth.WAITING


def key_source(row: models.KeySource) -> KeySource:
    """A key source with its keys in words."""
    return KeySource(
        method=row.method,
        location=row.location,
        jwks_uri=row.jwks_uri,
        fetched_at=row.fetched_at,
        usable_until=row.usable_until,
        failures=row.failures,
        last_error=row.last_error,
        keys=tuple(public_key(key) for key in row.jwks.get("keys", ())),
    )


def public_key(key: Mapping[str, Any]) -> PublicKey:
    """What tells a key from others: its id, kind and thumbprint (RFC 7638)."""
    return PublicKey(
        kid=str(key.get("kid", "")),
        kty=" ".join(str(key[member]) for member in ("kty", "crv") if member in key),
        alg=str(key.get("alg", "")),
        thumbprint=_thumbprint(key),
    )


def _thumbprint(key: Mapping[str, Any]) -> str:
    try:
        return JWKRegistry.import_key(dict(key)).thumbprint()
    except (JoseError, ValueError, KeyError, TypeError):  # an unreadable key is shown, without a fingerprint
        return ""
