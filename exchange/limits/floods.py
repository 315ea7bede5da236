"""Floods of unauthenticated failures: beyond a measure they are counted, not written one by one (RFC 6585 section 4).

Every refusal is an audit event, so whoever can cause refusals without being anybody could fill the disk. The first 20
failures of an address in 10 seconds are each written; the rest become one event with their number and the first of
them (reliability.md 3.1). What an authenticated client does is always written.

Where failures look like guesses at one client's credentials, an event says so besides.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import structlog

from audit.events import FailuresCounted, GuessingNoticed
from exchange.ledger import Ledger, LedgerUnavailable, StaleRegistry
from exchange.limits.guesses import Guesses
from exchange.limits.levels import address_key
from exchange.snapshot import Snapshots, SnapshotUnavailable

if TYPE_CHECKING:
    from exchange.protocol.oauth_errors import OAuthError
    from exchange.trail import Trail

WINDOW: Final = 10.0
WRITTEN: Final = 20
MAX_ADDRESSES: Final = 10_000
MAX_NAMED: Final = 1_000
MAX_WAITING: Final = 1_000
"""Counts that wait for the database. Beyond it the oldest is given up, and the log says so."""
LOOK_INTERVAL: Final = 1.0

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Window:
    ends_at: float
    seen: int = 0
    first: FailuresCounted | None = None
    clients: set[str] = field(default_factory=set)

    def name(self, client_id: str) -> None:
        """Note whom the failure named, if anybody: what is refused for its address alone is not read so far."""
        if client_id and len(self.clients) < MAX_NAMED:
            self.clients.add(client_id)


class Floods:
    """Counts the failures of each address. One per process."""

    def __init__(self, snapshots: Snapshots, ledger: Ledger, *, is_counting: bool) -> None:
        self._is_counting = is_counting
        self._snapshots = snapshots
        self._ledger = ledger
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._guesses = Guesses()
        self._over: list[FailuresCounted | GuessingNoticed] = []

    def absorbs(self, error: OAuthError, trail: Trail) -> bool:
        """Whether this failure is counted only. Of an authenticated client, or of nobody's address, it never is."""
        if not self._is_counting or trail.authenticated_client is not None or not trail.address:
            return False
        self._notice(error, trail)
        key, now = address_key(trail.address), monotonic()
        window = self._windows.get(key)
        if window is None or window.ends_at <= now:
            window = self._begin(key, now)
        window.seen += 1
        window.name(trail.client_id())
        if window.seen <= WRITTEN:
            return False
        if window.first is None:
            window.first = _first(key, error, trail)
        return True

    async def watch(self) -> None:
        """Write what was counted, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_INTERVAL)
            self._end(monotonic())
            await self._write()

    async def close(self) -> None:
        """Write what was counted so far."""
        self._end(float("inf"))
        await self._write()

    def _begin(self, key: str, now: float) -> _Window:
        before = self._windows.pop(key, None)
        if before is None and len(self._windows) >= MAX_ADDRESSES:
            before = self._windows.popitem(last=False)[1]
        if before is not None:
            self._put(before)
        window = self._windows[key] = _Window(ends_at=now + WINDOW)
        return window

    def _end(self, now: float) -> None:
        while self._windows and next(iter(self._windows.values())).ends_at <= now:
            self._put(self._windows.popitem(last=False)[1])

    def _put(self, window: _Window) -> None:
        if window.first is None:
            return
        window.first.data.update(count=window.seen - WRITTEN, clients=len(window.clients))
        self._queue(window.first)

    def _notice(self, error: OAuthError, trail: Trail) -> None:
        noticed = self._guesses.count(error, trail, self._snapshots.current.registry)
        if noticed is not None:
            self._queue(noticed)

    def _queue(self, event: FailuresCounted | GuessingNoticed) -> None:
        self._over.append(event)
        if len(self._over) > MAX_WAITING:
            lost = self._over.pop(0)
            log.warning("floods.unrecorded", count=lost.data["count"])

    async def _write(self) -> None:
        while self._over:
            try:
                await self._ledger.count(self._over[0], epoch=self._snapshots.current.registry.epoch)
                self._over.pop(0)
            except StaleRegistry as stale:
                await self._catch_up(stale.epoch)
            except (LedgerUnavailable, SnapshotUnavailable):
                return

    async def _catch_up(self, epoch: int) -> None:
        try:
            await self._snapshots.catch_up(epoch)
        except SnapshotUnavailable:
            await asyncio.sleep(LOOK_INTERVAL)


def _first(key: str, error: OAuthError, trail: Trail) -> FailuresCounted:
    """The event to be, with the first failure that was not written by itself."""
    sample = trail.document(error.steps) | {"error": error.error, "status": error.status}
    address = key.partition(":")[2]
    data: dict[str, Any] = {"address": address, "first": sample, "reference": trail.correlation_id}
    return FailuresCounted(client=trail.client_id(), reason=error.reason, data=data)
