"""A PostgreSQL server that misbehaves on command: a relay before the real one, on a socket of its own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from enum import Enum, auto
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from portal.database.connections import connection_parameters
from portal.embedded.addresses import POSTGRES_SOCKET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Fault(Enum):
    """What is wrong with the way to PostgreSQL and back."""

    NONE = auto()
    CALL_LOST = auto()
    """The connection breaks when the next call is on its way: it never arrives."""
    ANSWER_LOST = auto()
    """The connection breaks when the next answer is on its way: what was asked for has been done."""
    SILENCE = auto()
    """Nothing arrives on either side, and no connection ends."""
    HALF_AN_ANSWER = auto()
    """The connection breaks in the middle of the next answer."""


class Relay:
    """The relay, as its faults are switched on and off."""

    def __init__(self, upstream: str) -> None:
        self.fault = Fault.NONE
        self.delay = 0.0
        """Seconds that every answer takes longer."""
        self._upstream = upstream
        self._serving: set[Any] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side or a fault ends it."""
        self._serving.add(asyncio.current_task())
        server_reader, server_writer = await asyncio.open_unix_connection(self._upstream)
        pumps = [
            asyncio.create_task(self._calls(reader, server_writer)),
            asyncio.create_task(self._answers(server_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in (server_writer, writer):
                end.close()

    async def end(self) -> None:
        """End all connections."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)

    async def _calls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if self.fault is Fault.CALL_LOST:
                return
            if self.fault is not Fault.SILENCE:
                writer.write(data)

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if self.fault is Fault.ANSWER_LOST:
                return
            if self.fault is Fault.HALF_AN_ANSWER:
                writer.write(data[: len(data) // 2])
                await writer.drain()
                return
            await asyncio.sleep(self.delay)
            if self.fault is not Fault.SILENCE:
                writer.write(data)


@asynccontextmanager
async def relayed(url: str) -> AsyncIterator[tuple[Relay, str]]:
    """A relay before the database of this URL, and the URL of the same database behind the relay."""
    host = connection_parameters(url)["host"]
    relay = Relay(str(Path(unquote(host)) / POSTGRES_SOCKET))
    with TemporaryDirectory(prefix="handover-relay-") as directory:
        server = await asyncio.start_unix_server(relay.serve, str(Path(directory) / POSTGRES_SOCKET))
        try:
            yield relay, url.replace(quote(host, safe=""), quote(directory, safe=""))
        finally:
            server.close()
            await relay.end()
