"""One limit as a value: so many requests in a window, and how many of them at once (RFC 6585 section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MICROSECONDS: Final = 1_000_000
MINUTE: Final = 60
DAY: Final = 86_400
BURST_SECONDS: Final = 10
"""A limit without a burst of its own lets this many seconds' worth come at once."""
SMALLEST_BURST: Final = 10
FIRST_OF_A_DAY: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """``quota`` requests per ``window`` seconds. ``interval``: microseconds in which one request's worth comes back.

    A day's quota does not come back bit by bit: its ``interval`` is 0, and all of it is back at midnight UTC.
    """

    level: str
    quota: int
    window: int
    burst: float
    interval: float

    def share(self, processes: int) -> float:
        """What a process may let pass of a bucket it holds nothing of, before Redis said how full that is.

        The shares of all processes together are one burst, so a full bucket is not overdrawn by them. Of a day's
        quota the share is small, since what is overdrawn there never comes back.
        """
        share = self.burst / processes
        return max(1.0, share if self.interval else min(share, FIRST_OF_A_DAY))

    def alone(self, processes: int) -> float:
        """How many at once a process lets pass while it cannot ask Redis: half its share (reliability.md 3.5)."""
        return max(1.0, self.burst / processes / 2)

    def refilled(self, seconds: float, processes: int) -> float:
        """What comes back to one process in this time while it cannot ask Redis."""
        return seconds * MICROSECONDS / self.interval / processes if self.interval else 0.0


@lru_cache(maxsize=4096)
def per_minute(level: str, requests: int, burst: int | None = None) -> Limit:
    """A rate. Equal limits are one object, so that a slice recognises its limit without comparing fields."""
    full = max(SMALLEST_BURST, requests * BURST_SECONDS / MINUTE) if burst is None else burst
    return Limit(
        level=level, quota=requests, window=MINUTE, burst=float(full), interval=MINUTE * MICROSECONDS / requests
    )


@lru_cache(maxsize=4096)
def per_day(level: str, requests: int) -> Limit:
    """A quota of the day, counted from midnight to midnight in UTC."""
    return Limit(level=level, quota=requests, window=DAY, burst=float(requests), interval=0.0)
