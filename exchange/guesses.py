"""How often somebody may enter a wrong user code (RFC 8628 section 5.1): it is short, so guessing must be slow.

Counted before the look-up and given back where the code was right, so that parallel guesses cannot slip through. With
Redis away nobody gets in: the page fails, and no code is tried.
"""

from __future__ import annotations

import time
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from django.core.cache import cache

from exchange.limits.levels import address_key

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOW_SECONDS: Final = 600
OF_ACCOUNT: Final = 10
OF_ADDRESS: Final = 30


def count(account: str, address: str) -> tuple[str, ...]:
    """Count one guess against both. What was counted, for ``give_back``; empty where either made too many of late.

    An account that has made too many does not count against its address any more: others may share that.
    """
    counted = []
    for key, most in _keys(account, address):
        cache.add(key, 0, 2 * WINDOW_SECONDS)
        if cache.incr(key) > most:
            return ()
        counted.append(key)
    return tuple(counted)


def give_back(counted: tuple[str, ...]) -> None:
    """It was no guess: the code was right. Where Redis lost the count meanwhile, nothing is left to give back."""
    for key in counted:
        with suppress(ValueError):  # the cache's word for a key that is gone
            cache.decr(key)


def _keys(account: str, address: str) -> Iterator[tuple[str, int]]:
    """Named by their window, so that a count ends by itself; no name of a person in Redis."""
    window = int(time.time()) // WINDOW_SECONDS
    for name, most in ((f"account:{account}", OF_ACCOUNT), (address_key(address), OF_ADDRESS)):
        yield f"user-code:{window}:{sha256(name.encode()).hexdigest()[:32]}", most
