"""The ledger's PostgreSQL connection: libpq without blocking, on the event loop, with an end to every wait.

A call that takes longer than its limit drops the connection; a lost connection is made anew in the background while
callers are refused at once (reliability.md F1 to F4). A commit whose answer was lost counts as lost: no token leaves
without its event (P1; RFC 8693 section 6).
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

import psycopg
import structlog
from psycopg import pq
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Mapping

CALL_TIMEOUT: Final = 2.5
RETRY_DELAYS: Final = (0.1, 0.2, 0.5, 1.0)
TRANSIENT: Final = frozenset({"40001", "40P01"})
_DATA_FAULT_CLASSES: Final = frozenset({"21", "22", "23"})
_STATEMENT: Final = b"exchange_record"
_PARAMETER_COUNT: Final = 30
_SETTINGS: Final = {
    "connect_timeout": "2",
    "tcp_user_timeout": "3000",
    "application_name": "handover-ledger",
    "options": "-c statement_timeout=2000 -c default_transaction_isolation=read\\ committed",
}

log = structlog.get_logger(__name__)


class ConnectionLost(Exception):
    """There is no connection, or it ended before the answer came: whether the batch was committed is unknown."""


class StatementFailed(Exception):
    """PostgreSQL refused the call; nothing of the batch was written."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{sqlstate} {message}")
        self.is_transient = sqlstate in TRANSIENT
        """A deadlock or a serialization failure: the same batch may succeed now."""
        self.is_data_fault = sqlstate[:2] in _DATA_FAULT_CLASSES
        """One row is at fault; the others may succeed without it."""


class LedgerConnection:
    """One connection, one call at a time. A lost connection is tried again in the background until ``close``."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._conninfo = make_conninfo("", **{**_SETTINGS, **parameters}).encode()
        self._connection: pq.abc.PGconn | None = None
        self._watched = -1
        self._answer: asyncio.Future[None] | None = None
        self._results: list[pq.abc.PGresult] = []
        self._reconnecting: asyncio.Task[None] | None = None
        self._is_closed = False

    async def open(self) -> bool:
        """Connect if there is no connection and nobody is at it already. Whether there is a connection now."""
        if self._connection is None and self._reconnecting is None and not self._is_closed:
            await self._connect()
            if self._connection is None:
                self._reconnect()
        return self._connection is not None

    async def call(self, parameters: list[bytes]) -> str:
        """Run ``exchange_record`` and answer its text. Raises ``ConnectionLost`` or ``StatementFailed``."""
        if not await self.open() or self._connection is None:
            raise ConnectionLost("no connection to PostgreSQL")
        connection, self._results = self._connection, []
        self._answer = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                connection.send_query_prepared(_STATEMENT, parameters)
                self._send(connection)
                await self._answer
        except (TimeoutError, psycopg.Error) as error:
            self._lose(connection)
            raise ConnectionLost(type(error).__name__) from error
        finally:
            self._answer = None
        if connection.status != pq.ConnStatus.OK:
            self._lose(connection)
            raise ConnectionLost("PostgreSQL ended the connection")
        return _text(self._results)

    def close(self) -> None:
        """Close for good."""
        self._is_closed = True
        if self._reconnecting is not None:
            self._reconnecting.cancel()
        self._drop()

    async def _connect(self) -> None:
        """Connect in a thread: name resolution, the handshake and the first statement all wait for somebody else."""
        try:
            connection = await asyncio.to_thread(_dial, self._conninfo)
        except psycopg.Error as error:
            log.warning("ledger.connection_failed", error=str(error).partition("\n")[0])
            return
        if self._is_closed:
            connection.finish()
            return
        connection.nonblocking = 1
        self._connection = connection
        # A descriptor of our own: libpq closes its socket when the server is gone, and the next caller's connection may
        # get the same number while the loop still watches it.
        self._watched = os.dup(connection.socket)
        asyncio.get_running_loop().add_reader(self._watched, self._receive, connection)

    def _reconnect(self) -> None:
        if self._reconnecting is None and not self._is_closed:
            self._reconnecting = asyncio.get_running_loop().create_task(self._keep_connecting())

    async def _keep_connecting(self) -> None:
        try:
            attempt = 0
            while self._connection is None and not self._is_closed:
                await asyncio.sleep(RETRY_DELAYS[min(attempt, len(RETRY_DELAYS) - 1)])
                await self._connect()
                attempt += 1
        finally:
            self._reconnecting = None

    def _receive(self, connection: pq.abc.PGconn) -> None:
        """Something came, or the server went away: noticed at once, also while nobody waits.

        The answer is complete when PostgreSQL is ready for the next query. An error may still follow the function's
        result, from the commit: then nothing was committed.
        """
        try:
            connection.consume_input()
            while not connection.is_busy():
                result = connection.get_result()
                if result is None:
                    self._complete()
                    break
                self._results.append(result)
        except psycopg.Error as error:
            self._break(connection, error)

    def _complete(self) -> None:
        if self._answer is not None and self._results and not self._answer.done():
            self._answer.set_result(None)

    def _send(self, connection: pq.abc.PGconn) -> None:
        """Send what the socket takes; the rest when it takes more."""
        loop = asyncio.get_running_loop()
        try:
            is_rest = connection.flush()
        except psycopg.Error as error:
            self._break(connection, error)
            return
        if is_rest:
            loop.add_writer(self._watched, self._send, connection)
        else:
            loop.remove_writer(self._watched)

    def _break(self, connection: pq.abc.PGconn, error: Exception) -> None:
        """The connection is of no use any more, and whoever waits for an answer is told."""
        answer = self._answer
        self._lose(connection)
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def _lose(self, connection: pq.abc.PGconn) -> None:
        if self._connection is connection:
            self._drop()
            self._reconnect()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._watched)
            loop.remove_writer(self._watched)
            os.close(self._watched)
            connection.finish()


def _text(results: list[pq.abc.PGresult]) -> str:
    """The one value of the one row. Raises ``StatementFailed`` when any result is an error."""
    for result in results:
        if result.status != pq.ExecStatus.TUPLES_OK:
            sqlstate = result.error_field(pq.DiagnosticField.SQLSTATE) or b"?????"
            message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
            raise StatementFailed(sqlstate.decode(), message.decode("utf-8", "replace"))
    return (results[0].get_value(0, 0) or b"").decode()


def _dial(conninfo: bytes) -> pq.abc.PGconn:
    """A connection with the one statement prepared. Raises ``psycopg.OperationalError``."""
    connection = pq.PGconn.connect(conninfo)
    if connection.status == pq.ConnStatus.OK:
        call = f"SELECT exchange_record({', '.join(f'${n}' for n in range(1, _PARAMETER_COUNT + 1))})"
        if connection.prepare(_STATEMENT, call.encode()).status == pq.ExecStatus.COMMAND_OK:
            return connection
    message = connection.get_error_message()
    connection.finish()
    raise psycopg.OperationalError(message)
