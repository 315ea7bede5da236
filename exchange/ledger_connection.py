"""The ledger's PostgreSQL connection: libpq without blocking, on the event loop, with an end to every wait.

A call that takes longer than its limit drops the connection; a lost connection is made anew in the background while
callers are refused at once (reliability.md F1 to F4). A commit whose answer was lost counts as lost: no token leaves
without its event (P1; RFC 8693 section 6).
"""

from __future__ import annotations

import asyncio
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
        self._answer: asyncio.Future[pq.abc.PGresult] | None = None
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
        self._answer = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                self._connection.send_query_prepared(_STATEMENT, parameters)
                self._flush()
                result = await self._answer
        except (TimeoutError, psycopg.Error) as error:
            self._lose()
            raise ConnectionLost(type(error).__name__) from error
        finally:
            self._answer = None
        if self._connection.status != pq.ConnStatus.OK:
            self._lose()
            raise ConnectionLost("PostgreSQL ended the connection")
        return _text(result)

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
        asyncio.get_running_loop().add_reader(connection.socket, self._readable)

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

    def _readable(self) -> None:
        """The answer came, or the server went away: noticed at once, also while nobody waits."""
        connection = self._connection
        if connection is None:
            return
        try:
            connection.consume_input()
            if connection.is_busy() or self._answer is None:
                return
            result = connection.get_result()
            while connection.get_result() is not None:
                pass
        except psycopg.Error as error:
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(error)
            else:
                self._lose()
            return
        if result is not None and not self._answer.done():
            self._answer.set_result(result)

    def _flush(self) -> None:
        """Send what the socket did not take at once, when it takes more."""
        connection = self._connection
        if connection is None:
            return
        loop = asyncio.get_running_loop()
        if connection.flush():
            loop.add_writer(connection.socket, self._flush)
        else:
            loop.remove_writer(connection.socket)

    def _lose(self) -> None:
        self._drop()
        self._reconnect()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(connection.socket)
            loop.remove_writer(connection.socket)
            connection.finish()


def _text(result: pq.abc.PGresult) -> str:
    if result.status != pq.ExecStatus.TUPLES_OK:
        sqlstate = result.error_field(pq.DiagnosticField.SQLSTATE) or b"?????"
        message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
        raise StatementFailed(sqlstate.decode(), message.decode("utf-8", "replace"))
    return (result.get_value(0, 0) or b"").decode()


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
