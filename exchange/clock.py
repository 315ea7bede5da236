"""The database's time, without asking it on every request (reliability.md section 3.6).

Sampled about once a second and carried on by the monotonic clock: a jump of this node's wall clock changes nothing, so
``iat`` and ``exp`` (RFC 7519 section 4.1) mean the same on every node.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic


@dataclass(slots=True)
class DatabaseClock:
    """The last sample of the database's clock and the monotonic instant it was taken at."""

    _sampled: datetime
    _taken: float

    @classmethod
    def start(cls, sampled: datetime) -> DatabaseClock:
        """A clock that shows ``sampled`` now."""
        return cls(sampled, monotonic())

    def now(self) -> datetime:
        """The database's time, as far as we know it."""
        return self._sampled + timedelta(seconds=monotonic() - self._taken)

    def adjust(self, sampled: datetime) -> None:
        """Take a new sample. It never makes time run backwards here: an earlier sample waits until time catches up."""
        self._sampled, self._taken = max(sampled, self.now()), monotonic()


def utc(seconds: int) -> datetime:
    """Whole seconds since 1970 as an aware instant."""
    return datetime.fromtimestamp(seconds, UTC)
