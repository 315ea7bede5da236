"""The snapshot in force in this process: the registry, our keys, and the database's clock, kept current.

A background task asks for the epoch about once a second; the ledger notices a moved epoch in any case, before anything
is committed under old rules (performance.md decision 3). Reading runs in a thread, one at a time (RFC 8693 section 6).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

from exchange import keys
from exchange.clock import DatabaseClock
from exchange.people import installation
from exchange.registry import Registry, build
from partners import selectors

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.keys import OurKeys

POLL_INTERVAL: Final = 1.0
FRESH_FOR: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One version of everything an exchange is decided and signed with."""

    registry: Registry
    keys: OurKeys
    keys_version: int


class SnapshotUnavailable(Exception):
    """The configuration could not be read: nothing can be decided."""


class Snapshots:
    """The holder of the current snapshot. One per process."""

    def __init__(self) -> None:
        self._current: Snapshot | None = None
        self._clock: DatabaseClock | None = None
        self._reading = asyncio.Lock()
        self._read_at: float | None = None

    @property
    def current(self) -> Snapshot:
        """The snapshot in force. Raises ``SnapshotUnavailable`` before the first one could be read."""
        if self._current is None:
            raise SnapshotUnavailable
        return self._current

    @property
    def is_fresh(self) -> bool:
        """Whether the database answered lately, so that decisions can be made and recorded."""
        return self._read_at is not None and monotonic() - self._read_at < FRESH_FOR

    def now(self) -> datetime:
        """The database's time. Raises ``SnapshotUnavailable`` before it was first read."""
        if self._clock is None:
            raise SnapshotUnavailable
        return self._clock.now()

    async def catch_up(self, epoch: int = 0) -> None:
        """Have a snapshot of at least this epoch; many callers share one read. Raises ``SnapshotUnavailable``."""
        async with self._reading:
            if self._current is not None and 0 < epoch <= self._current.registry.epoch:
                return
            try:
                snapshot, sampled = await asyncio.to_thread(_read, self._current)
            except DatabaseError as error:
                raise SnapshotUnavailable from error
            self._current = snapshot
            self._read_at = monotonic()
            if self._clock is None:
                self._clock = DatabaseClock.start(sampled)
            else:
                self._clock.adjust(sampled)

    async def watch(self) -> None:
        """Keep the snapshot current until cancelled. A database that is away leaves the old one."""
        while True:
            try:
                await self.catch_up()
            except SnapshotUnavailable as error:
                log.warning("registry.unavailable", cause=type(error.__cause__).__name__)
            await asyncio.sleep(POLL_INTERVAL)


def _read(previous: Snapshot | None) -> tuple[Snapshot, datetime]:
    """The snapshot after ``previous``, unchanged if the epoch did not move; and the database's time."""
    try:
        epoch, sampled = _epoch_and_time()
        if previous is not None and epoch == previous.registry.epoch:
            return previous, sampled
        moved = selectors.configuration(since=previous.registry.epoch if previous else 0)
        config = settings.HANDOVER
        is_same = previous is not None and moved.keys_version == previous.keys_version
        ours = previous.keys if previous and is_same else keys.load()
        before = previous.registry if previous else None
        scopes = settings.OAUTH2_PROVIDER["SCOPES"]
        registry = build(before, moved, installation(config.issuer, config.token_lifetime, scopes, ours.ring))
        return Snapshot(registry=registry, keys=ours, keys_version=moved.keys_version), sampled
    finally:
        close_old_connections()


def _epoch_and_time() -> tuple[int, datetime]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT epoch, clock_timestamp() FROM partners_registry WHERE id = 1")
        epoch, sampled = cursor.fetchone()
    return epoch, sampled
