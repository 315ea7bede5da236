"""Whether tokens still stand: asked of the database for all callers of one loop pass together (RFC 7662 section 2.2).

Never answered from memory, so that a revocation is seen by the first question after it (standards rule 77). The answer
carries the configuration's epoch: who asked under an older one looks again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from exchange.ledger import LedgerUnavailable
from exchange.ledger_connection import StatementFailed
from exchange.ledger_link import ConnectionLost

if TYPE_CHECKING:
    from exchange.ledger_connection import LedgerConnection

MAX_BATCH: Final = 256
MAX_QUEUED: Final = 4000
SEPARATOR: Final = "\x1f"


class State(StrEnum):
    """What became of a token that we issued, by the letter the database answers."""

    LIVE = "l"
    REVOKED = "r"
    UNKNOWN = "u"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One token's state, true at the configuration's ``epoch``."""

    state: State
    epoch: int


class StandingUnavailable(LedgerUnavailable):
    """The database did not say: nobody may be told that the token is good."""


class Standings:
    """One per process. Everything asked in one pass of the event loop is one question."""

    def __init__(self, connection: LedgerConnection) -> None:
        self._connection = connection
        self._waiting: dict[str, asyncio.Future[Standing]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def of(self, token_id: str) -> Standing:
        """The standing of a token now. Raises ``StandingUnavailable``."""
        waiting = self._waiting.get(token_id)
        if waiting is None:
            if len(self._waiting) >= MAX_QUEUED:
                raise StandingUnavailable("too many questions wait")
            loop = asyncio.get_running_loop()
            waiting = self._waiting[token_id] = loop.create_future()
            if self._asking is None:
                self._asking = loop.create_task(self._ask())
        return await asyncio.shield(waiting)

    async def _ask(self) -> None:
        await asyncio.sleep(0)  # everybody of this loop pass
        try:
            while self._waiting:
                batch = dict(list(self._waiting.items())[:MAX_BATCH])
                for token_id in batch:
                    del self._waiting[token_id]
                await self._answer(batch)
        finally:
            self._asking = None

    async def _answer(self, batch: dict[str, asyncio.Future[Standing]]) -> None:
        try:
            epoch, _, states = (await self._connection.call([SEPARATOR.join(batch).encode()])).partition(":")
        except (ConnectionLost, StatementFailed) as error:
            for waiting in batch.values():
                waiting.set_exception(StandingUnavailable(str(error)))
            return
        for waiting, state in zip(batch.values(), states, strict=True):
            waiting.set_result(Standing(state=State(state), epoch=int(epoch)))

    async def close(self) -> None:
        """Let what was asked be answered, then close the connection."""
        if self._asking is not None:
            await asyncio.wait([self._asking])
        self._connection.close()
