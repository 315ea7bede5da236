"""The ledger: no answer, yes or no, leaves before its audit event is committed (reliability.md P1; RFC 8693 s6).

Entries of one pass of the event loop go to PostgreSQL together, as one call of ``exchange_record``: one transaction,
one round trip, whatever the batch's size. While a batch is on its way the next one gathers. The connection is libpq's
own, non-blocking on the loop: no thread, no pool.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exchange.entries import (
    Entry,
    UnfitValue,
    counted_entry,
    granted_entry,
    noted_entry,
    parameters,
    refused_entry,
    relayed_entry,
)
from exchange.in_step import on_the_line
from exchange.ledger_connection import LedgerConnection, StatementFailed
from exchange.ledger_link import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from audit.events import Event, FailuresCounted, GuessingNoticed
    from exchange.jwt_checks import Wrong
    from exchange.protocol.errors import OAuthError
    from exchange.protocol.response import Answer
    from exchange.signed_token import SignedToken
    from exchange.spending import Purpose, SpendOnce
    from exchange.trail import Trail
    from policy.tokens import VerifiedToken

MAX_QUEUED: Final = 2000
LARGEST_SHARE: Final = 0.25
"""Of the queue, for one partner: when the database is slow, one that sends much must not crowd out the others."""
MAX_BATCH: Final = 128
LONGEST_GATHERING: Final = 0.005
"""Seconds for which a batch may gather."""
QUIET_PASSES: Final = 3
"""Of the loop, without an entry, that end the gathering: what callers send next is on its way to us meanwhile."""
RETRY_PAUSES: Final = (0.01, 0.05)
"""Seconds before a batch that lost a deadlock is tried again: whoever won it must get past us meanwhile."""
REVOKED: Final = "revoked"
"""What the database answers for an entry that rests on a revoked token; no purpose of a spend is called that."""
MAX_WAIT: Final = 2.0
"""Seconds an entry may wait for its turn: behind a slow database callers are refused, not kept (reliability.md F3)."""


class StaleRegistry(Exception):
    """The configuration moved after the decision was made: decide again under ``epoch`` (performance.md decision 3)."""

    def __init__(self, epoch: int) -> None:
        super().__init__(epoch)
        self.epoch = epoch


class Replayed(Exception):
    """An identifier of the request was spent before."""

    def __init__(self, spend: SpendOnce) -> None:
        super().__init__(spend.purpose)
        self.spend = spend


class Revoked(Exception):
    """A token of ours that the request rests on was revoked before the answer could be committed."""


class LedgerUnavailable(Exception):
    """Nothing was recorded, or we cannot know: the answer must be withheld."""


class LedgerFull(LedgerUnavailable):
    """The queue is at its bound: refuse at once rather than pile up (reliability.md F3)."""


@dataclass(slots=True)
class _Waiting:
    entry: Entry
    done: asyncio.Future[None]
    until: float


class Ledger:
    """One per process. ``record`` returns once the entry is durable."""

    def __init__(self, connection: LedgerConnection, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._of_partner: Counter[str] = Counter()
        self._is_scheduled = False
        self._sending: asyncio.Task[None] | None = None

    async def record(
        self,
        signed: SignedToken,
        spends: tuple[SpendOnce, ...],
        trail: Trail,
        *,
        rests_on: tuple[VerifiedToken, ...] = (),
        epoch: int,
    ) -> SignedToken:
        """Make a token's rows durable; the token may leave after this returns.

        ``rests_on`` are the tokens of ours that it is exchanged from. Raises ``StaleRegistry``, ``Replayed``,
        ``Revoked`` or ``LedgerUnavailable``; then the token must not leave.
        """
        entry = granted_entry(signed, trail, spends, rests_on=rests_on, epoch=epoch, now=self._clock())
        await self._submit(entry)
        return signed

    async def refuse(self, error: OAuthError, trail: Trail, *, epoch: int) -> None:
        """Make a refusal's event durable. Raises as ``record`` does."""
        await self._submit(refused_entry(error, trail, epoch=epoch, now=self._clock()))

    async def relay(self, answer: Answer, trail: Trail, *, epoch: int) -> Answer:
        """Make the event of django-oauth-toolkit's answer durable. Raises as ``record`` does."""
        await self._submit(relayed_entry(answer, trail, epoch=epoch, now=self._clock()))
        return answer

    async def note(self, kind: type[Event], wrong: Wrong | None, trail: Trail, *, epoch: int) -> None:
        """Make the event of a question about a token durable. Raises as ``record`` does."""
        await self._submit(noted_entry(kind, wrong, trail, epoch=epoch, now=self._clock()))

    async def count(self, event: FailuresCounted | GuessingNoticed, *, epoch: int) -> None:
        """Make the event of a flood, or of guesses, durable. Raises as ``record`` does."""
        await self._submit(counted_entry(event, epoch=epoch, now=self._clock()))

    async def _submit(self, entry: Entry) -> None:
        partner = entry.envelope.event.partner
        if len(self._waiting) >= MAX_QUEUED or self._of_partner[partner] >= MAX_QUEUED * LARGEST_SHARE:
            raise LedgerFull
        if partner:
            self._of_partner[partner] += 1
        loop = asyncio.get_running_loop()
        waiting = _Waiting(entry, loop.create_future(), loop.time() + MAX_WAIT)
        self._waiting.append(waiting)
        self._schedule()
        await waiting.done

    def _schedule(self) -> None:
        if self._sending is None and not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        """End of the loop pass."""
        self._is_scheduled = False
        self._sending = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                batch = self._next_batch()
                try:
                    await self._commit(_first_uses(_in_time(batch)))
                finally:
                    _fail(batch, LedgerUnavailable("the batch was given up"))  # whatever happens, nobody waits for ever
        finally:
            self._sending = None
            if self._waiting:
                self._schedule()

    async def _gather(self) -> None:
        """Wait until passes of the loop bring no more: a batch costs the database as much as five of its rows.

        Whoever is on the line is waited for, within the same bounds: a request takes more passes than are quiet.
        """
        loop = asyncio.get_running_loop()
        end, quiet = loop.time() + LONGEST_GATHERING, 0
        while quiet < QUIET_PASSES and len(self._waiting) < MAX_BATCH and loop.time() < end:
            count = len(self._waiting)
            await asyncio.sleep(0)
            quiet = 0 if len(self._waiting) > count or on_the_line() else quiet + 1

    def _next_batch(self) -> list[_Waiting]:
        batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
        if self._waiting:
            self._of_partner.subtract(waiting.entry.envelope.event.partner for waiting in batch)
        else:
            self._of_partner.clear()
        return batch

    async def _commit(self, batch: list[_Waiting]) -> None:
        """One batch. A batch that fails is retried member by member, so that one poison row refuses only itself."""
        if not batch:
            return
        try:
            result = await self._call(batch)
        except (ConnectionLost, StatementFailed, UnfitValue) as error:
            if len(batch) == 1 or not _is_of_one_row(error):
                _fail(batch, LedgerUnavailable(str(error)), error)
                return
            for waiting in batch:
                await self._commit([waiting])
            return
        _deliver(batch, result)

    async def _call(self, batch: list[_Waiting]) -> str:
        columns = parameters([waiting.entry for waiting in batch])
        for pause in RETRY_PAUSES:
            try:
                return await self._connection.call(columns)
            except StatementFailed as error:
                if not error.is_transient:
                    raise
            await asyncio.sleep(pause)
        return await self._connection.call(columns)

    async def close(self) -> None:
        """Let what is queued be committed, then close the connection."""
        while self._waiting or self._sending is not None:
            await (asyncio.sleep(0) if self._sending is None else asyncio.wait([self._sending]))
        self._connection.close()


def _is_of_one_row(error: Exception) -> bool:
    return isinstance(error, UnfitValue) or (isinstance(error, StatementFailed) and error.is_data_fault)


def _in_time(batch: list[_Waiting]) -> list[_Waiting]:
    """The batch without those who waited too long. Whoever left is kept: what somebody tried is recorded."""
    now = asyncio.get_running_loop().time()
    _fail([waiting for waiting in batch if waiting.until < now], LedgerUnavailable("the queue did not move in time"))
    return [waiting for waiting in batch if waiting.until >= now]


def _first_uses(batch: list[_Waiting]) -> list[_Waiting]:
    """The batch without second uses of one identifier: the database would see two equal rows as one."""
    if not batch:
        return []
    seen: set[tuple[Purpose, str, str]] = set()
    first: list[_Waiting] = []
    newest = max(waiting.entry.epoch for waiting in batch)
    for waiting in batch:
        spends = waiting.entry.spends
        keys = {(spend.purpose, spend.issuer, spend.jti): spend for spend in spends}
        again = seen & keys.keys()
        if waiting.entry.epoch != newest:
            _set(waiting, StaleRegistry(newest))
        elif again:
            _set(waiting, Replayed(keys[again.pop()]))
        else:
            seen |= keys.keys()
            first.append(waiting)
    return first


def _deliver(batch: list[_Waiting], result: str) -> None:
    if result.startswith("E"):
        _fail(batch, StaleRegistry(int(result[1:])))
        return
    for waiting, replayed in zip(batch, result[1:].split(","), strict=True):
        if not replayed:
            _set(waiting, None)
        elif replayed == REVOKED:
            _set(waiting, Revoked())
        else:
            _set(waiting, Replayed(next(spend for spend in waiting.entry.spends if spend.purpose == replayed)))


def _fail(batch: list[_Waiting], error: Exception, cause: Exception | None = None) -> None:
    error.__cause__ = cause
    for waiting in batch:
        _set(waiting, error)


def _set(waiting: _Waiting, error: Exception | None) -> None:
    if waiting.done.done():  # the caller went away; what was committed stays committed
        return
    if error is None:
        waiting.done.set_result(None)
    else:
        waiting.done.set_exception(error)
