"""Questions to the database that are asked together: all of one pass of the event loop in one round trip.

Never answered from memory, so that a revocation is seen by the first question after it (RFC 7662 section 2.2; standards
rule 77).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from exchange.ledger import LedgerUnavailable
from exchange.ledger_connection import StatementFailed
from exchange.ledger_link import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exchange.ledger_connection import LedgerConnection

T = TypeVar("T")

MAX_BATCH: Final = 256
MAX_QUEUED: Final = 4000
SEPARATOR: Final = "\x1f"


class Unanswered(LedgerUnavailable):
    """The database did not say: nobody may be told that a token is good."""


class Gathering(Generic[T]):
    """One per process and kind of question. ``read`` takes the answers of a batch out of the function's text."""

    def __init__(self, connection: LedgerConnection, read: Callable[[str], Iterable[T]]) -> None:
        self._connection = connection
        self._read = read
        self._waiting: dict[str, asyncio.Future[T]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def of(self, key: str) -> T:
        """What the database says of a key now. Raises ``Unanswered``."""
        waiting = self._waiting.get(key)
        if waiting is None:
            if len(self._waiting) >= MAX_QUEUED:
                raise Unanswered("too many questions wait")
            loop = asyncio.get_running_loop()
            waiting = self._waiting[key] = loop.create_future()
            if self._asking is None:
                self._asking = loop.create_task(self._ask())
        return await asyncio.shield(waiting)

    async def _ask(self) -> None:
        await asyncio.sleep(0)  # everybody of this loop pass
        try:
            while self._waiting:
                batch = dict(list(self._waiting.items())[:MAX_BATCH])
                for key in batch:
                    del self._waiting[key]
                await self._answer(batch)
        finally:
            self._asking = None

    async def _answer(self, batch: dict[str, asyncio.Future[T]]) -> None:
        try:
            text = await self._connection.call([SEPARATOR.join(batch).encode()])
            answers = list(zip(batch.values(), self._read(text), strict=True))
        except (ConnectionLost, StatementFailed, ValueError) as error:  # whatever came instead of answers is none
            for waiting in batch.values():
                waiting.set_exception(Unanswered(str(error)))
            return
        for waiting, answer in answers:
            waiting.set_result(answer)

    async def close(self) -> None:
        """Let what was asked be answered, then close the connection."""
        if self._asking is not None:
            await asyncio.wait([self._asking])
        self._connection.close()
