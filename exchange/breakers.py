"""Bulkhead and circuit breakers of outbound calls: one slow or dead partner must not take the others with it.

At most eight calls at a time, one per key source; after five failures an origin (RFC 6454) is left alone for a minute,
then one call tries it. Kept per process: the rows in PostgreSQL bound what all processes do together.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLACES: Final = 8
FAILURES: Final = 5
PAUSE_SECONDS: Final = 60.0


class NotAdmitted(Exception):
    """No call was made: too many are under way, one for the same source is, or the origin failed too often."""


@dataclass(slots=True)
class _Origin:
    failures: int = 0
    closed_until: float = 0.0


class Gate:
    """Who may call now. ``admit`` is entered around a call; what the call raises tells whether the origin failed."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places = BoundedSemaphore(PLACES)
        self._lock = Lock()
        self._sources: set[str] = set()
        self._origins: dict[str, _Origin] = {}

    @contextmanager
    def admit(self, source: str, origin: str, *, patience: float) -> Iterator[None]:
        """Hold a place for one call. Raises ``NotAdmitted``; waits for a free place at most ``patience`` seconds."""
        self._enter(source, origin)
        try:
            if not self._places.acquire(timeout=patience):
                raise NotAdmitted(f"{PLACES} calls are under way and none ended in time")
            try:
                yield
            finally:
                self._places.release()
        finally:
            with self._lock:
                self._sources.discard(source)

    def failed(self, origin: str) -> None:
        """The origin did not answer, or answered with a fault of its own."""
        with self._lock:
            state = self._origins.setdefault(origin, _Origin())
            state.failures += 1
            if state.failures >= FAILURES:
                state.closed_until = self._clock() + PAUSE_SECONDS

    def answered(self, origin: str) -> None:
        """The origin answered: its failures are forgotten, and with them the memory they took."""
        with self._lock:
            self._origins.pop(origin, None)

    def _enter(self, source: str, origin: str) -> None:
        with self._lock:
            if source in self._sources:
                raise NotAdmitted("another call for the same key source is under way")
            state = self._origins.get(origin)
            if state is not None and state.failures >= FAILURES:
                now = self._clock()
                if now < state.closed_until:
                    raise NotAdmitted(f"the last {FAILURES} calls to it failed; it is left alone for a minute")
                state.closed_until = now + PAUSE_SECONDS  # this call is the one that tries; the others stay out
            self._sources.add(source)
