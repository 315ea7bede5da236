"""The event loop of the web server: uvloop's, but for how it takes in connections, which is one at a time.

All processes listen on one socket. A loop that takes in whatever waits leaves the others nothing: of sixteen callers
that connect at once, one process got fifteen, on one core, and the other got one. Here whoever is free takes one, and
looks after its work before it takes the next (docs/decisions/0027).
"""

from __future__ import annotations

import socket
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import structlog
import uvloop

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    Factory = Callable[[], asyncio.BaseProtocol]

PER_SECOND: Final = 1000
"""Connections that a busy loop takes in however long its passes are, so that nobody waits outside for ever."""
MOST_AT_ONCE: Final = 64
PAUSE: Final = 1.0
"""Seconds without taking in anybody, where the system has no descriptors or memory left."""

log = structlog.get_logger(__name__)


class EvenLoop(uvloop.Loop):
    """What ``--loop portal.even_loop:EvenLoop`` of uvicorn makes."""

    async def create_server(  # type: ignore[override]  # only in the ways that uvicorn calls it
        self,
        protocol_factory: Factory,
        host: str | None = None,
        port: Any = None,  # noqa: ANN401 - uvloop's own
        *,
        sock: socket.socket | None = None,
        ssl: object = None,
        backlog: int = 100,
        **named: Any,  # noqa: ANN401 - uvloop's own
    ) -> Door | asyncio.AbstractServer:
        """A server on a shared socket; uvloop's own wherever it is asked for anything else."""
        if sock is not None and ssl is None:
            return Door(self, protocol_factory, sock, backlog)
        named |= {"sock": sock, "ssl": ssl, "backlog": backlog}
        server: asyncio.AbstractServer = await super().create_server(protocol_factory, host, port, **named)
        return server


class Door:
    """A listening socket, of which each pass of the loop takes in one connection, or as many as its time allows."""

    def __init__(self, loop: asyncio.AbstractEventLoop, factory: Factory, listening: socket.socket, size: int) -> None:
        self._loop = loop
        self._factory = factory
        self._listening = listening
        self._looked = 0.0
        self._busy_for = 0.0
        self._entering: set[asyncio.Task[Any]] = set()
        self._is_closed = False
        listening.setblocking(False)  # noqa: FBT003 - the library's own
        listening.listen(size)
        self._open()

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """What it listens on."""
        return () if self._is_closed else (self._listening,)

    def close(self) -> None:
        """Take in nobody any more."""
        if not self._is_closed:
            self._is_closed = True
            self._loop.remove_reader(self._listening)
            self._listening.close()

    async def wait_closed(self) -> None:
        """Closing takes no time."""

    def _open(self) -> None:
        if not self._is_closed:
            self._loop.add_reader(self._listening, self._take_in)

    def _take_in(self) -> None:
        now = monotonic()
        is_of_late = now - self._looked <= 2 * self._busy_for  # a pass that was long a while ago says nothing of now
        places = min(MOST_AT_ONCE, 1 + int(self._busy_for * PER_SECOND)) if is_of_late else 1
        self._looked = now
        self._loop.call_soon(self._note_the_time)
        for _ in range(places):
            try:
                connection, _address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return  # another process was faster, or the caller has gone
            except OSError as error:
                self._pause(error)
                return
            self._let_in(connection)

    def _note_the_time(self) -> None:
        """In the next pass: how long the one before took."""
        self._busy_for = monotonic() - self._looked

    def _pause(self, error: OSError) -> None:
        log.warning("server.takes_in_nobody", cause=error.strerror, seconds=PAUSE)
        self._loop.remove_reader(self._listening)
        self._loop.call_later(PAUSE, self._open)

    def _let_in(self, connection: socket.socket) -> None:
        connection.setblocking(False)  # noqa: FBT003 - the library's own
        if connection.family in {socket.AF_INET, socket.AF_INET6}:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        entering = self._loop.create_task(self._enter(connection))
        self._entering.add(entering)
        entering.add_done_callback(self._entering.discard)

    async def _enter(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._factory, connection)
        except OSError as error:  # gone again before it was looked after
            log.info("server.caller_gone", cause=error.strerror)
            connection.close()
