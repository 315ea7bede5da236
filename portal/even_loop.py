"""The event loop of the web server: uvloop's, but for how it takes in connections, which is one at a time.

All processes listen on one socket. A loop that takes in whatever waits leaves the others nothing: of sixteen callers
that connect at once, one process got fifteen, on one core, and the other got one. Here whoever is free takes one, and
looks after its work before it takes the next, and after a few it rests, so that the others come to theirs
(docs/decisions/0027).
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

PER_SECOND: Final = 5000
"""Connections that a loop takes in at most; a busy one too, however long its passes are, so that nobody waits for ever.

Twice as many as a process could answer if each brought one request.
"""
MOST_AT_ONCE: Final = 64
FEW: Final = 2
"""How many a loop that has nothing else to do takes in before it rests."""
REST: Final = 0.001
"""Seconds, the shortest that a loop can wait. Who rests gives up its core: one that woke late could get no caller."""
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
        self._places = 0.0
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
        self._loop.call_soon(self._note_the_time)
        for _ in range(self._offered()):
            try:
                connection, _address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return  # another process was faster, or the caller has gone
            except OSError as error:
                log.warning("server.takes_in_nobody", cause=error.strerror, seconds=PAUSE)
                self._rest(PAUSE)
                return
            self._places -= 1
            self._let_in(connection)
        if self._places < 1:
            self._rest(REST)

    def _offered(self) -> int:
        """How many are taken in now: one, or as many as the passes of a busy loop have kept waiting."""
        now = monotonic()
        since, self._looked = now - self._looked, now
        kept_waiting = self._busy_for * PER_SECOND
        is_of_late = since <= 2 * self._busy_for  # a pass that was long a while ago says nothing of now
        most = min(MOST_AT_ONCE, kept_waiting) if is_of_late and kept_waiting > FEW else FEW
        self._places = min(most, self._places + since * PER_SECOND)
        return int(self._places) if most > FEW else min(1, int(self._places))

    def _note_the_time(self) -> None:
        """In the next pass: how long the one before took."""
        self._busy_for = monotonic() - self._looked

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening)
        self._loop.call_later(seconds, self._open)

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
