"""The keyed hash of a client secret: fast, because secrets are generated 256-bit values and no dictionary holds them.

A password hash on every token request is 280 ms of CPU and a lever for denial of service (performance.md section 4);
a plain hash would let whoever reads the table test guesses. The key never is in the database.
"""

from __future__ import annotations

import hmac
from functools import lru_cache

from django.conf import settings


@lru_cache(maxsize=16)
def _key(kek_id: str) -> bytes:
    derived: bytes = settings.HANDOVER.kek_by_id(kek_id).derive("client-secret")
    return derived


def digest(secret: str, *, kek_id: str) -> bytes:
    """HMAC-SHA256 of the secret, 32 bytes. Raises ``KeyError`` when the key of that id is gone."""
    return hmac.digest(_key(kek_id), secret.encode("utf-8", "surrogatepass"), "sha256")


def matches(secret: str, *, kek_id: str, expected: bytes) -> bool:
    """Whether the secret has this digest, in constant time (CWE-208)."""
    return hmac.compare_digest(digest(secret, kek_id=kek_id), expected)
