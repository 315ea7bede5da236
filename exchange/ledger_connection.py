"""The ledger's connection to PostgreSQL: made, made anew when it is lost, and asked for one thing.

A call that takes longer than its limit ends the connection; a lost connection is made anew in the background while
callers are refused at once (reliability.md F1 to F4). A commit whose answer was lost counts as lost: no token leaves
without its event (P1; RFC 8693 section 6).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg
import structlog
from psycopg import pq
from psycopg.conninfo import make_conninfo

from exchange.ledger_link import ConnectionLost, Link

if TYPE_CHECKING:
    from collections.abc import Mapping

CALL_TIMEOUT: Final = 2.5
RETRY_DELAYS: Final = (0.1, 0.2, 0.5, 1.0)
TRANSIENT: Final = frozenset({"40001", "40P01"})
_DATA_FAULT_CLASSES: Final = frozenset({"21", "22", "23"})
_SETTINGS: Final = {
    "connect_timeout": "2",
    "tcp_user_timeout": "3000",
    "application_name": "handover-ledger",
    "options": "-c statement_timeout=2000 -c default_transaction_isolation=read\\ committed",
}

log = structlog.get_logger(__name__)


class StatementFailed(Exception):
    """PostgreSQL refused the call; nothing of the batch was written."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{sqlstate} {message}")
        self.is_transient = sqlstate in TRANSIENT
        """A deadlock or a serialization failure: the same batch may succeed now."""
        self.is_data_fault = sqlstate[:2] in _DATA_FAULT_CLASSES
        """One row is at fault; the others may succeed without it."""


@dataclass(frozen=True, slots=True)
class Function:
    """A database function that takes texts and answers one, by its name and the number of its parameters."""

    name: str
    arity: int

    @property
    def statement(self) -> bytes:
        """The one statement of a connection that calls it."""
        return f"SELECT {self.name}({', '.join(f'${n}' for n in range(1, self.arity + 1))})".encode()


RECORD: Final = Function("exchange_record", 35)
STANDING: Final = Function("exchange_standing", 1)
REFERENCED: Final = Function("exchange_referenced", 1)


class LedgerConnection:
    """One connection, one call at a time. A lost connection is tried again in the background until ``close``."""

    def __init__(self, parameters: Mapping[str, str], function: Function = RECORD) -> None:
        self._function = function
        self._conninfo = make_conninfo("", **{**_SETTINGS, **parameters})
        self._link: Link | None = None
        self._reconnecting: asyncio.Task[None] | None = None
        self._is_closed = False

    async def open(self) -> bool:
        """Connect if there is no connection and nobody is at it already. Whether there is a connection now."""
        if self._link is None and self._reconnecting is None and not self._is_closed:
            await self._connect()
            if self._link is None:
                self._reconnect()
        return self._link is not None

    async def call(self, parameters: list[bytes]) -> str:
        """Run the function and answer its text. Raises ``ConnectionLost`` or ``StatementFailed``."""
        if not await self.open() or self._link is None:
            raise ConnectionLost("no connection to PostgreSQL")
        name = self._function.name.encode()
        results = await self._link.ask(lambda libpq: libpq.send_query_prepared(name, parameters), CALL_TIMEOUT)
        return _text(results, pq.ExecStatus.TUPLES_OK)

    def close(self) -> None:
        """Close for good."""
        self._is_closed = True
        if self._reconnecting is not None:
            self._reconnecting.cancel()
        if self._link is not None:
            self._link.end()

    async def _connect(self) -> None:
        try:
            link = await self._dial()
        except (psycopg.Error, ConnectionLost, StatementFailed) as error:
            log.warning("ledger.connection_failed", error=str(error).partition("\n")[0])
            return
        if self._is_closed:
            link.end()
        else:
            self._link = link

    async def _dial(self) -> Link:
        """A link with the one statement prepared."""
        link = await Link.dial(self._conninfo, self._ended)
        try:
            name, statement = self._function.name.encode(), self._function.statement
            _text(await link.ask(lambda libpq: libpq.send_prepare(name, statement), CALL_TIMEOUT))
        except (StatementFailed, asyncio.CancelledError):
            link.end()
            raise
        return link

    def _ended(self) -> None:
        self._link = None
        self._reconnect()

    def _reconnect(self) -> None:
        if self._reconnecting is None and not self._is_closed:
            self._reconnecting = asyncio.get_running_loop().create_task(self._keep_connecting())

    async def _keep_connecting(self) -> None:
        try:
            attempt = 0
            while self._link is None and not self._is_closed:
                await asyncio.sleep(RETRY_DELAYS[min(attempt, len(RETRY_DELAYS) - 1)])
                await self._connect()
                attempt += 1
        finally:
            self._reconnecting = None


def _text(results: list[pq.abc.PGresult], wanted: pq.ExecStatus = pq.ExecStatus.COMMAND_OK) -> str:
    """The one value of the one row, if there is one. Raises ``StatementFailed`` when any result is an error."""
    for result in results:
        if result.status != wanted:
            sqlstate = result.error_field(pq.DiagnosticField.SQLSTATE) or b"?????"
            message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
            raise StatementFailed(sqlstate.decode(), message.decode("utf-8", "replace"))
    return (results[0].get_value(0, 0) or b"").decode()
