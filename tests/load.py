"""Many callers at once: each connection sends one request after the other, and every answer is kept."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from base64 import urlsafe_b64decode
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOST = 0
"""The status of a request whose connection ended before its answer came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one caller was told, and when (``time.monotonic``)."""

    connection: int
    status: int
    headers: dict[str, str]
    body: bytes
    began: float
    ended: float

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def seconds(self) -> float:
        return self.ended - self.began


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


async def post(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes, path: str = "/oauth/token"
) -> tuple[int, dict[str, str], bytes]:
    """One token request over an open connection: status, header fields, body. Raises ``OSError`` or ``EOFError``."""
    head = f"POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {len(body)}\r\n"
    writer.write(head.encode() + b"content-type: application/x-www-form-urlencoded\r\n\r\n" + body)
    return await _answer(reader, writer)


async def get(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: bytes, path: str
) -> tuple[int, dict[str, str], bytes]:
    """The same for a GET with a bearer token."""
    writer.write(b"GET %s HTTP/1.1\r\nhost: test\r\nauthorization: Bearer %s\r\n\r\n" % (path.encode(), token))
    return await _answer(reader, writer)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, dict[str, str], bytes]:
    await writer.drain()
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    if fields.get("transfer-encoding") == "chunked":
        return int(first.split()[1]), fields, await _chunks(reader)
    return int(first.split()[1]), fields, await reader.readexactly(int(fields["content-length"]))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """A body whose length was not known beforehand (RFC 9112 section 7.1), as other servers send it."""
    body = b""
    while length := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(length + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


class Load:
    """A running load. ``told`` grows while it runs; reading it from another thread is safe."""

    def __init__(
        self, port: int, bodies: Callable[[], bytes], path: str = "/oauth/token", method: str = "POST"
    ) -> None:
        self.told: list[Told] = []
        self._port = port
        self._path = path
        self._ask = post if method == "POST" else get
        self._bodies = bodies
        self._is_over = False

    def count(self, status: int, since: int = 0) -> int:
        """How many answers of this status came after the first ``since`` answers."""
        return sum(told.status == status for told in self.told[since:])

    def connections(self, status: int, since: int = 0) -> set[int]:
        """The connections that got an answer of this status after the first ``since`` answers."""
        return {told.connection for told in self.told[since:] if told.status == status}

    def until(self, is_so: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Wait for something the load must bring about."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {seconds} s; the last answers: {self.told[-3:]}")
            time.sleep(0.01)

    def run(self, connections: int) -> None:
        """Send until ``end``; then every request that was sent is waited for."""
        asyncio.run(self._run(connections))

    def end(self) -> None:
        """Begin no further request."""
        self._is_over = True

    async def _run(self, connections: int) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(connections):
                group.create_task(self._caller(number))

    async def _caller(self, number: int) -> None:
        while not self._is_over:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            try:
                while not self._is_over:
                    await self._request(number, reader, writer)
            except (OSError, EOFError):
                continue
            finally:
                writer.close()

    async def _request(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body, began = self._bodies(), time.monotonic()
        status, fields, answer = LOST, dict[str, str](), b""
        try:
            status, fields, answer = await self._ask(reader, writer, body, self._path)
        finally:
            self.told.append(
                Told(
                    connection=number,
                    status=status,
                    headers=fields,
                    body=answer,
                    began=began,
                    ended=time.monotonic(),
                )
            )


@contextmanager
def under_load(
    port: int, bodies: Callable[[], bytes], connections: int, path: str = "/oauth/token", method: str = "POST"
) -> Iterator[Load]:
    """A load in a thread of its own, so that the test may kill and wait meanwhile. Ends with the last answer."""
    load = Load(port, bodies, path, method)
    thread = threading.Thread(target=load.run, args=(connections,))
    thread.start()
    try:
        yield load
    finally:
        load.end()
        thread.join()
