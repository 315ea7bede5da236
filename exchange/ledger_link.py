"""One libpq connection on the event loop: one query at a time, nothing that blocks, an end to every wait.

libpq is used directly, since a cursor would cost more than the query does. What came back counts only when PostgreSQL
is ready for the next query, for the commit may still fail after the result (reliability.md P1, F4; RFC 8693 section 6).
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq

if TYPE_CHECKING:
    from collections.abc import Callable


class ConnectionLost(Exception):
    """There is no connection, or it ended before the answer came: whether the batch was committed is unknown."""


class Link:
    """An established connection. ``on_end`` is called once, when it ends for whatever reason."""

    def __init__(self, connection: psycopg.AsyncConnection, on_end: Callable[[], None]) -> None:
        self._owner = connection
        self._libpq = connection.pgconn
        self._on_end = on_end
        self._answer: asyncio.Future[None] | None = None
        self._results: list[pq.abc.PGresult] = []
        self._is_ended = False
        self._libpq.nonblocking = 1
        # A descriptor of our own: libpq closes its socket when the server is gone, and the next caller's connection may
        # get the same number while the loop still watches it.
        self._watched = os.dup(self._libpq.socket)
        asyncio.get_running_loop().add_reader(self._watched, self._receive)

    @classmethod
    async def dial(cls, conninfo: str, on_end: Callable[[], None]) -> Link:
        """Connect, within ``connect_timeout`` of ``conninfo``. Raises ``psycopg.OperationalError``.

        Not by libpq's own connecting, which holds up the whole process until the server answers, or does not.
        """
        return cls(await psycopg.AsyncConnection.connect(conninfo, autocommit=True), on_end)

    async def ask(self, send: Callable[[pq.abc.PGconn], None], limit: float) -> list[pq.abc.PGresult]:
        """The results of one query, complete; they may be errors. Raises ``ConnectionLost`` and has ended then."""
        if self._is_ended:
            raise ConnectionLost("the connection has ended")
        self._results = []
        self._answer = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(limit):
                send(self._libpq)
                self._send()
                await self._answer
        except (TimeoutError, psycopg.Error) as error:
            self.end()
            raise ConnectionLost(type(error).__name__) from error
        finally:
            self._answer = None
        if self._libpq.status != pq.ConnStatus.OK:
            self.end()
            raise ConnectionLost("PostgreSQL ended the connection")
        return self._results

    def end(self) -> None:
        """Close the connection, once."""
        if self._is_ended:
            return
        self._is_ended = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._watched)
        loop.remove_writer(self._watched)
        os.close(self._watched)
        self._libpq.finish()
        self._on_end()

    def _receive(self) -> None:
        """Something came, or the server went away: noticed at once, also while nobody waits."""
        try:
            self._libpq.consume_input()
            while not self._libpq.is_busy():
                result = self._libpq.get_result()
                if result is None:
                    self._complete()
                    break
                self._results.append(result)
        except psycopg.Error as error:
            self._break(error)

    def _complete(self) -> None:
        if self._answer is not None and self._results and not self._answer.done():
            self._answer.set_result(None)

    def _send(self) -> None:
        """Send what the socket takes; the rest when it takes more."""
        try:
            is_rest = self._libpq.flush()
        except psycopg.Error as error:
            self._break(error)
            return
        loop = asyncio.get_running_loop()
        if is_rest:
            loop.add_writer(self._watched, self._send)
        else:
            loop.remove_writer(self._watched)

    def _break(self, error: Exception) -> None:
        """The connection is of no use any more, and whoever waits for an answer is told."""
        answer = self._answer
        self.end()
        if answer is not None and not answer.done():
            answer.set_exception(error)
