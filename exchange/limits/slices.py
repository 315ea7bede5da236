"""The slices of the shared buckets that this process holds: all that a request ever looks at (RFC 6585 section 4).

No request waits for Redis (performance.md decision 3). A slice says how much may still pass here; the background task
settles it with the bucket in Redis about every 100 ms. A bucket nobody here used lately has no slice and costs nothing.
"""

from __future__ import annotations

from asyncio import Event
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exchange.limits.limit import Limit

MAX_SLICES: Final = 10_000
"""Beyond this the slice that was used longest ago is forgotten, and its bucket met again as a stranger."""
DEFAULT_PROCESSES: Final = 4
_TINY: Final = 1e-9


class Slice:
    """What this process holds of one bucket. ``room`` may be spent; ``held`` of it is paid for in Redis already.

    ``missed`` is what was refused since the last settlement: it is asked for next time. ``blocked_until`` is when the
    shared bucket has something again, on the monotonic clock, if it was found empty.
    """

    __slots__ = ("blocked_until", "held", "limit", "missed", "room", "spent")

    def __init__(self, limit: Limit, room: float) -> None:
        self.limit = limit
        self.room = room
        self.held = 0.0
        self.spent = 0.0
        self.missed = 0.0
        self.blocked_until = 0.0

    def has(self, cost: float) -> bool:
        """Whether this much may pass."""
        return self.spent + cost <= self.room + _TINY


class Slices:
    """All slices of this process, by key; at most ``MAX_SLICES``, the least recently used one goes first."""

    def __init__(self) -> None:
        self.processes = DEFAULT_PROCESSES
        self.is_alone = False
        """Redis is away: limits are kept by this process for itself."""
        self.needed = Event()
        """Set when waiting for the next regular settlement would refuse somebody without need."""
        self._slices: OrderedDict[str, Slice] = OrderedDict()

    def __len__(self) -> int:
        return len(self._slices)

    def of(self, key: str, limit: Limit) -> Slice:
        """The slice of a bucket, made on first use and anew when its limit was changed."""
        found = self._slices.get(key)
        if found is None or found.limit is not limit:
            return self._open(key, limit)
        self._slices.move_to_end(key)
        return found

    def known(self, key: str) -> Slice | None:
        """The slice of a bucket, if this process has met it lately."""
        return self._slices.get(key)

    def pay(self, slices: Sequence[Slice], cost: float) -> Slice | None:
        """Take the cost out of every slice, or out of none: then the one that lacks it is answered."""
        for one in slices:
            if not one.has(cost):
                self.miss(one, cost)
                return one
        for one in slices:
            one.spent += cost
            if one.spent * 2 > one.room:
                self.needed.set()
        return None

    def miss(self, one: Slice, cost: float) -> None:
        """Note what was refused. If the shared bucket is not known to be empty, it is asked at once."""
        one.missed += cost
        if not one.blocked_until:
            self.needed.set()

    def items(self) -> list[tuple[str, Slice]]:
        """Every slice with its key, as of now."""
        return list(self._slices.items())

    def forget(self, key: str) -> None:
        """Drop a slice."""
        self._slices.pop(key, None)

    def _open(self, key: str, limit: Limit) -> Slice:
        room = limit.alone(self.processes) if self.is_alone else limit.share(self.processes)
        opened = self._slices[key] = Slice(limit, room)
        self._slices.move_to_end(key)
        if len(self._slices) > MAX_SLICES:
            self._slices.popitem(last=False)
        self.needed.set()
        return opened
