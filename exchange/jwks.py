"""Keeping partners' public keys fresh: on schedule, and once more when a token names a key nobody knows yet (RFC 7517).

Verification never waits for a network: it reads the local copy. A token with an unknown ``kid`` may wait for one
bounded refresh, because a partner that changed its keys should not have to wait for our schedule; whoever invents
``kid`` values causes one fetch per half minute, not one per request (RFC 8725bis section 3.10, attacks A4 and A22).
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from django.db import Error as DatabaseError
from django.db import connection

from audit.events import SYSTEM
from exchange import outbound
from exchange.discovery import AddressUnconfirmed, DocumentRefused, fetch_keys
from exchange.outbound import Outbound, OutboundError
from partners import key_sources
from partners.changes import changing
from partners.key_sources import Standing
from partners.keysets import KeySetRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from partners.key_sources import Claim

PATIENCE_SECONDS: Final = 1.5
POLL_SECONDS: Final = 0.1
DUE_AT_ONCE: Final = 4
STAND_IN_SECONDS: Final = 10.0
OVERDUE: Final = timedelta(minutes=2)
MAX_LOGGED: Final = 300
NOTHING_KNOWN: Final = Standing(kids=frozenset(), is_under_way=False, claimable_in=timedelta(seconds=1))

log = structlog.get_logger(__name__)


def refresh(source_id: UUID, *, is_scheduled: bool, http: Outbound | None = None) -> bool:
    """Fetch one source's keys if it is nobody else's turn; False when nothing was fetched or what came is refused.

    A failure is written down, never raised: the keys in force stay in force, up to a day without a good answer.
    No database connection is held while the network is waited for.
    """
    with _connected():
        claimed = key_sources.claim(source_id, is_scheduled=is_scheduled)
    if claimed is None:
        return False
    try:
        answer = fetch_keys(http or outbound.client(), claimed, rediscovers=is_scheduled)
    except (OutboundError, DocumentRefused, KeySetRefused) as error:
        _note_failure(claimed, error)
        return False
    with _connected(), changing(SYSTEM) as change:
        key_sources.record_success(change, claimed, answer)
    return True


def refresh_due(limit: int = 32, *, overdue_by: timedelta = timedelta(0)) -> int:
    """Refresh the sources whose time has come; answers how many were refreshed.

    The worker's task calls it every minute. With ``overdue_by`` a web process can stand in for workers that are gone,
    without getting in the way of those that are not: each source is claimed in the database before it is fetched.
    """
    with _connected():
        sources = key_sources.due(limit, overdue_by=overdue_by)
    with ThreadPoolExecutor(DUE_AT_ONCE, thread_name_prefix="keys-due") as threads:
        return sum(threads.map(_refresh_scheduled, sources))


async def stand_in(*, every: float = STAND_IN_SECONDS, overdue_by: timedelta = OVERDUE) -> None:
    """Refresh, for ever, what is overdue because no worker came. A web process runs this beside its requests.

    Without it keys would end a day after the last worker did. Ends when it is cancelled.
    """
    while True:
        await asyncio.sleep(every)
        try:
            await asyncio.to_thread(refresh_due, overdue_by=overdue_by)
        except DatabaseError as error:
            log.warning("keys.stand_in_failed", error=type(error).__name__)


async def refresh_for_unknown_key(key_source_id: UUID, kid: str, *, deadline: float = PATIENCE_SECONDS) -> bool:
    """Whether the source holds this key after at most one bounded refresh: then reload the registry and verify again.

    Waits at most ``deadline`` seconds; a fetch that takes longer goes on and serves the next request. All requests of
    this process share one fetch, and all processes share one per half minute.
    """
    return await _waiting.ask(key_source_id, kid, deadline)


@dataclass(slots=True)
class _Waiting:
    """The fetches this process is waiting for, and until when it need not ask for another one.

    One instant per source instead of a list of known-bad ``kid`` values: nobody can push entries out of it by
    inventing more of them, and it is right for a ``kid`` that was never asked for.
    """

    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(8, thread_name_prefix="keys-unknown")
    )
    latest: dict[UUID, Future[Standing]] = field(default_factory=dict)
    quiet_until: dict[UUID, float] = field(default_factory=dict)

    async def ask(self, source_id: UUID, kid: str, deadline: float) -> bool:
        future = self.latest.get(source_id)
        if future is None or future.done():
            if time.monotonic() < self.quiet_until.get(source_id, 0.0):
                return False
            future = self.latest[source_id] = self.threads.submit(self._settle, source_id)
        done, _ = await asyncio.wait([asyncio.wrap_future(future)], timeout=deadline)
        return any(kid in answer.result().kids for answer in done)

    def _settle(self, source_id: UUID) -> Standing:
        standing = NOTHING_KNOWN
        try:
            refresh(source_id, is_scheduled=False)
            standing = _outcome(source_id)
        except DatabaseError as error:
            log.warning("keys.refresh_failed", key_source=str(source_id), error=type(error).__name__)
        finally:
            self.quiet_until[source_id] = time.monotonic() + standing.claimable_in.total_seconds()
        return standing


_waiting: Final = _Waiting()


def _outcome(source_id: UUID) -> Standing:
    """How the source stands once no process is fetching it any more: another one may have been first."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        with _connected():
            standing = key_sources.standing(source_id)
        if not standing.is_under_way or time.monotonic() >= ends_at:
            return standing
        time.sleep(POLL_SECONDS)


def _refresh_scheduled(source_id: UUID) -> bool:
    try:
        return refresh(source_id, is_scheduled=True)
    except DatabaseError as error:
        log.warning("keys.refresh_failed", key_source=str(source_id), error=type(error).__name__)
        return False


def _note_failure(claimed: Claim, error: Exception) -> None:
    log.warning("keys.fetch_failed", key_source=str(claimed.id), why=str(error)[:MAX_LOGGED])
    proposed = error.jwks_uri if isinstance(error, AddressUnconfirmed) else ""
    with _connected(), changing(SYSTEM) as change:
        key_sources.record_failure(change, claimed, str(error), proposed_uri=proposed)


@contextmanager
def _connected() -> Iterator[None]:
    """Give the thread's database connection back to the pool afterwards, unless the caller's transaction needs it."""
    try:
        yield
    finally:
        if not connection.in_atomic_block:
            connection.close()
