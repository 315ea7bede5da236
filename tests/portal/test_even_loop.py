"""Connections are taken in one at a time, so that processes that share a socket share the callers."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from portal import even_loop
from portal.even_loop import Door, EvenLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator


class Echo(asyncio.Protocol):
    """Says back what it hears."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


@contextmanager
def callers(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many connections, open from here; nobody needs to have taken them in."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", port), 10)) for _ in range(count)]


def run(work: Callable[[EvenLoop, socket.socket, int], Coroutine[Any, Any, None]]) -> None:
    """Do something with a loop and a bound socket."""
    loop = EvenLoop()
    bound = socket.create_server(("127.0.0.1", 0), backlog=100)
    try:
        loop.run_until_complete(work(loop, bound, bound.getsockname()[1]))
    finally:
        bound.close()
        loop.close()


def test_a_pass_of_a_loop_without_other_work_takes_in_one_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    noticed: list[socket.socket] = []
    monkeypatch.setattr(Door, "_let_in", lambda _door, connection: noticed.append(connection))
    monkeypatch.setattr(Door, "_note_the_time", lambda _door: None)

    async def work(loop: EvenLoop, bound: socket.socket, port: int) -> None:
        with callers(port, 12):
            server = await loop.create_server(Echo, sock=bound, backlog=100)
            while sum(taken) < 12:
                await asyncio.sleep(0)
                if len(noticed) > sum(taken):
                    taken.append(len(noticed) - sum(taken))
            server.close()

    run(work)
    for connection in noticed:
        connection.close()
    assert taken == [1] * 12


class Porter:
    """A door at which somebody always waits, and a clock that is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(even_loop, "monotonic", lambda: self.now)
        self.door = Door(EvenLoop(), Echo, socket.create_server(("127.0.0.1", 0)), 1)

    def take_in(self, after: float, *, busy_for: float = 0.0) -> int:
        """How many are taken in so many seconds later, by a loop whose last pass took so long."""
        self.now += after
        self.door._busy_for = busy_for
        offered = self.door._offered()
        self.door._places -= offered
        return offered

    def close(self) -> None:
        self.door.close()
        self.door._loop.close()


@pytest.fixture
def porter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Porter]:
    porter = Porter(monkeypatch)
    yield porter
    porter.close()


def test_after_a_few_a_loop_rests_so_that_others_come_to_theirs(porter: Porter) -> None:
    assert [porter.take_in(0) for _ in range(4)] == [1, 1, 0, 0]
    assert [porter.take_in(after) for after in (0.0003, 0, 0.0001, 0)] == [1, 0, 1, 0]
    assert [porter.take_in(after) for after in (60, 0, 0)] == [1, 1, 0]


def test_a_busy_loop_takes_in_at_once_as_many_as_its_passes_kept_waiting(porter: Porter) -> None:
    assert porter.take_in(0, busy_for=0.005) == 1  # nobody knocked while it was busy
    assert [porter.take_in(0.0051, busy_for=0.005) for _ in range(4)] == [25, 25, 25, 25]
    assert porter.take_in(1, busy_for=1) == 64


def test_what_kept_a_loop_busy_a_while_ago_lets_nobody_in_at_once(porter: Porter) -> None:
    assert porter.take_in(0.1, busy_for=0.01) == 1


def test_whoever_is_taken_in_is_answered_and_after_closing_nobody_is() -> None:
    async def work(loop: EvenLoop, bound: socket.socket, port: int) -> None:
        server = await loop.create_server(Echo, sock=bound, backlog=100)
        assert isinstance(server, Door)
        assert server.sockets == (bound,)
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            writer.close()
        for _ in range(2):
            server.close()
        await server.wait_closed()
        assert not server.sockets
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)

    run(work)


def test_without_descriptors_nobody_is_taken_in_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(even_loop, "PAUSE", 0.01)

    class Exhausted:
        """A socket whose system has no descriptors left, at first."""

        def __init__(self, bound: socket.socket) -> None:
            self.left, self.bound = 2, bound

        def accept(self) -> Any:
            if self.left:
                self.left -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return self.bound.accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.bound, name)

    async def work(loop: EvenLoop, bound: socket.socket, port: int) -> None:
        server = Door(loop, Echo, Exhausted(bound), 100)  # type: ignore[arg-type]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        server.close()

    with structlog.testing.capture_logs() as logs:
        run(work)
    assert [(entry["event"], entry["cause"]) for entry in logs] == [
        ("server.takes_in_nobody", "Too many open files")
    ] * 2
