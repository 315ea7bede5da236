"""Callers that offer HTTP/2 or WebSocket on a plain connection: answered as HTTP/1.1, with their bodies (RFC 9110)."""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager
from http.client import HTTPResponse
from io import BufferedReader
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.exchange.pair import assertion_form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.exchange_server import ExchangeServer

CURL = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
WEBSOCKET = b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
LOWER = b"connection: upgrade\r\nupgrade: h2c\r\n"


def head(server: ExchangeServer, fields: bytes, line: bytes = b"POST /oauth/token") -> bytes:
    host = server.url.removeprefix("http://").encode()
    return b"%b HTTP/1.1\r\nHost: %b\r\n%bContent-Type: application/x-www-form-urlencoded\r\n" % (line, host, fields)


def exchange(server: ExchangeServer, fields: bytes = CURL) -> bytes:
    body = urlencode(assertion_form(server)).encode()
    return head(server, fields) + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def chunked(server: ExchangeServer) -> bytes:
    body = urlencode(assertion_form(server)).encode()
    parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:100], body[100:], b""))
    return head(server, CURL) + b"Transfer-Encoding: chunked\r\n\r\n" + parts


class Connection(socket.socket):
    """A connection whose answers are read one after the other: what is read ahead of one belongs to the next."""

    _answers: BufferedReader | None = None

    def makefile(self, *_arguments: object, **_named: object) -> Shared:  # type: ignore[override]
        self._answers = self._answers or BufferedReader(socket.SocketIO(self, "r"))
        return Shared(self._answers)

    def close(self) -> None:
        if self._answers is not None:
            self._answers.detach().close()
        super().close()


class Shared:
    """A reader that nobody closes but the connection."""

    def __init__(self, answers: BufferedReader) -> None:
        self.read, self.readline, self.readinto = answers.read, answers.readline, answers.readinto

    def flush(self) -> None: ...
    def close(self) -> None: ...


@contextmanager
def connected(server: ExchangeServer) -> Iterator[socket.socket]:
    host, port = server.url.removeprefix("http://").split(":")
    with Connection() as connection:
        connection.settimeout(10)
        connection.connect((host, int(port)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def answer(connection: socket.socket, method: str = "POST") -> tuple[int, bytes]:
    """The next answer on a connection."""
    response = HTTPResponse(connection, method=method)
    response.begin()
    return response.status, response.read()


def is_token(told: tuple[int, bytes]) -> bool:
    return told[0] == 200 and bool(json.loads(told[1])["access_token"])


@pytest.mark.parametrize("fields", [CURL, WEBSOCKET, LOWER])
def test_a_form_that_comes_with_an_offer_is_read(server: ExchangeServer, fields: bytes) -> None:
    with connected(server) as connection:
        connection.sendall(exchange(server, fields))
        assert is_token(answer(connection))


@pytest.mark.parametrize("cut", [30, -1200, -1])
def test_it_is_read_however_it_is_cut(server: ExchangeServer, cut: int) -> None:
    whole = exchange(server)
    with connected(server) as connection:
        connection.sendall(whole[:cut])
        connection.sendall(whole[cut:])
        assert is_token(answer(connection))


def test_it_is_read_right_behind_its_head_and_in_single_bytes(server: ExchangeServer) -> None:
    whole = exchange(server)
    end = whole.index(b"\r\n\r\n") + 4
    with connected(server) as connection:
        for part in (whole[:end], *(whole[at : at + 1] for at in range(end, end + 20)), whole[end + 20 :]):
            connection.sendall(part)
        assert is_token(answer(connection))


@pytest.mark.parametrize("make", [chunked, exchange])
def test_the_connection_serves_the_next_request(
    server: ExchangeServer, make: Callable[[ExchangeServer], bytes]
) -> None:
    get = head(server, CURL, b"GET /healthz") + b"\r\n"
    with connected(server) as connection:
        connection.sendall(make(server))
        assert is_token(answer(connection))
        connection.sendall(get)
        assert answer(connection, "GET") == (200, b"ok\n")
        connection.sendall(exchange(server, b""))
        assert is_token(answer(connection))


def test_requests_that_were_sent_ahead_are_answered_in_turn(server: ExchangeServer) -> None:
    with connected(server) as connection:
        connection.sendall(exchange(server) + chunked(server) + exchange(server, b"") + exchange(server, WEBSOCKET))
        assert [is_token(answer(connection)) for _ in range(4)] == [True] * 4


def test_a_field_of_an_offer_cannot_bring_a_second_length(server: ExchangeServer) -> None:
    smuggled = (
        head(server, CURL) + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    )
    with connected(server) as connection:
        connection.sendall(smuggled)
        assert answer(connection)[0] == 400
        assert connection.recv(1) == b"", "the connection ends"


@pytest.mark.parametrize(
    "said", [b"CONNECT db:5432 HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01"]
)
def test_what_is_no_request_is_refused_and_the_connection_ends(server: ExchangeServer, said: bytes) -> None:
    with connected(server) as connection:
        connection.sendall(said)
        assert answer(connection, "CONNECT")[0] >= 400
        assert connection.recv(1) == b""
