"""Requests that are too large, too many, too deep or too slow (A30), and callers that lie about their address (A32)."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest

from exchange import body, keys
from exchange.protocol.compact import MAX_TOKEN_LENGTH, encode_segment
from exchange.protocol.form import MAX_BODY_LENGTH
from policy.reasons import Reason
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.oracle import granted, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import httpx

    from tests.exchange_server import ExchangeServer

FORM = "application/x-www-form-urlencoded"


def send(server: ExchangeServer, content: Any) -> httpx.Response:
    return server.http.post("/oauth/token", content=content, headers={"content-type": FORM})


@attack("A30")
@rule(115, "own rule")
@pytest.mark.parametrize("more", [1, 1000, 1_000_000], ids=["a byte", "a kilobyte", "a megabyte"])
def test_a30_a_body_beyond_64_kib_is_refused(server: ExchangeServer, more: int) -> None:
    response = send(server, b"grant_type=" + b"x" * (MAX_BODY_LENGTH - 11 + more))
    refused(server, response, "invalid_request", Reason.REQUEST_TOO_LARGE, status=413)


@rule(115, "own rule")
def test_a30_a_body_of_64_kib_is_read(server: ExchangeServer) -> None:
    response = send(server, b"grant_type=" + b"x" * (MAX_BODY_LENGTH - 11))
    refused(server, response, "unsupported_grant_type", Reason.GRANT_TYPE_UNSUPPORTED)


@attack("A30")
@rule(115, "own rule")
def test_a30_a_body_in_chunks_without_an_end_is_refused_at_the_limit(server: ExchangeServer) -> None:
    def chunks() -> Any:
        for _ in range(200):
            yield b"grant_type=" + b"x" * 1000 + b"&"

    refused(server, send(server, chunks()), "invalid_request", Reason.REQUEST_TOO_LARGE, status=413)


@attack("A30")
@rule(115, "own rule")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"&".join(b"p%d=1" % n for n in range(5000)), Reason.REQUEST_MALFORMED),
        (b"a=1&" * 10_000, Reason.REQUEST_MALFORMED),
        (b"&" * 60_000, Reason.REQUEST_MALFORMED),
        (b"audience=x&" * 90 + b"grant_type=x", Reason.GRANT_TYPE_UNSUPPORTED),
    ],
    ids=["5,000 names", "one name 10,000 times", "nothing 60,000 times", "90 targets"],
)
def test_a30_a_form_of_too_many_parts_is_refused(server: ExchangeServer, content: bytes, reason: Reason) -> None:
    error = "unsupported_grant_type" if reason is Reason.GRANT_TYPE_UNSUPPORTED else "invalid_request"
    refused(server, send(server, content), error, reason)


@attack("A30")
@rule(115, "own rule")
def test_a30_more_than_ten_targets_are_refused(server: ExchangeServer) -> None:
    targets = [f"https://t{n}.example" for n in range(11)]
    refused(server, server.exchange(audience=targets), "invalid_target", Reason.TARGET_MALFORMED)


@attack("A30")
@rule(115, "own rule")
@pytest.mark.parametrize("nested", ['{"a":', '{"a":[', '{"act":{"sub":"x","act":'])
@pytest.mark.parametrize("place", ["header", "claims"])
def test_a30_json_nested_beyond_all_measure_is_refused(server: ExchangeServer, nested: str, place: str) -> None:
    deep = encode_segment((nested * 900).encode()[:11_000])
    closed = encode_segment(
        (nested * 300 + "1" + "]" * nested.count("[") * 300 + "}" * nested.count("{") * 300).encode()
    )
    for part in (deep, closed):
        parts = [part, b"e30", b"AA"] if place == "header" else [b"e30", part, b"AA"]
        response = server.exchange(subject_token=b".".join(parts).decode())
        refused(server, response, "invalid_request", Reason.TOKEN_MALFORMED)


@attack("A30")
@rule(115, "own rule")
def test_a30_a_token_as_large_as_allowed_is_read_and_one_character_more_is_not(server: ExchangeServer) -> None:
    token = server.world.idp.subject_token(server.url, padding="")
    room = (MAX_TOKEN_LENGTH - len(token)) * 3 // 4 - 2
    large = server.world.idp.subject_token(server.url, padding="x" * room)
    assert MAX_TOKEN_LENGTH - 4 <= len(large) <= MAX_TOKEN_LENGTH
    granted(server, server.exchange(subject_token=large))
    response = server.exchange(subject_token=large + "A" * (MAX_TOKEN_LENGTH + 1 - len(large)))
    refused(server, response, "invalid_request", Reason.TOKEN_TOO_LARGE)


@attack("A30")
@rule(115, "own rule")
def test_a30_an_authorization_field_beyond_all_measure_is_refused_unread(server: ExchangeServer) -> None:
    for length in (20_000, 1_000_000):
        response = server.exchange(auth=("kestrel-batch", "s" * length))
        refused(server, response, "invalid_client", Reason.CREDENTIALS_MALFORMED)
    refused(server, server.exchange(auth=("kestrel-batch", "s" * 8000)), "invalid_client", Reason.SECRET_WRONG)


HALF = "POST /oauth/token HTTP/1.1\r\nhost: x\r\ncontent-type: {}\r\ncontent-length: 500\r\n\r\ngrant_type="


@attack("A30")
def test_a30_a_caller_that_hangs_up_halfway_harms_nobody(server: ExchangeServer) -> None:
    port = int(server.url.rpartition(":")[2])
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
            caller.sendall(HALF.format(FORM).encode())
    granted(server, server.exchange())


@asynccontextmanager
async def application() -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """The whole application in this process, started and stopped as a server does it."""
    from portal.asgi import Application  # noqa: PLC0415 - reads the settings of the database in use

    app = Application()
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()
    lifespan = asyncio.create_task(app({"type": "lifespan"}, events.get, said.put))
    await events.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete"
    try:
        yield app
    finally:
        await events.put({"type": "lifespan.shutdown"})
        assert (await said.get())["type"] == "lifespan.shutdown.complete"
        await lifespan


async def drip(pieces: int) -> tuple[int, dict[bytes, bytes], dict[str, Any]]:
    """The answer to a body of which a byte comes now and then, and which never ends."""
    sent: list[Any] = []
    left = iter(range(pieces))

    async def receive() -> dict[str, Any]:
        if next(left, None) is None:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"g", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", FORM.encode())]
    scope = {"type": "http", "method": "POST", "path": "/oauth/token", "headers": headers, "client": ("127.0.0.1", 1)}
    async with application() as app:
        await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), json.loads(sent[1]["body"])


@attack("A30")
@rule(115, "own rule")
@pytest.mark.parametrize("pieces", [0, 3], ids=["nothing comes", "it stops halfway"])
def test_a30_a_body_that_never_comes_is_refused_in_time(
    committed_database: str,
    django_db_blocker: Any,
    monkeypatch: pytest.MonkeyPatch,
    pieces: int,
) -> None:
    monkeypatch.setattr(body, "READ_TIMEOUT", 0.2)
    with django_db_blocker.unblock():
        keys.ensure_signing_key()
        status, headers, answer = asyncio.run(drip(pieces))
    assert (status, answer["error"]) == (408, "invalid_request")
    with psycopg.connect(committed_database) as connection:
        rows = connection.execute(
            "SELECT correlation_id, reason FROM audit_event WHERE kind LIKE 'exchange%'"
        ).fetchall()
    assert rows == [(UUID(headers[b"x-correlation-id"].decode()), Reason.REQUEST_TOO_SLOW)]


@attack("A30")
@rule(115, "own rule")
def test_a30_no_refusal_costs_out_of_proportion(server: ExchangeServer) -> None:
    """Nothing large is parsed before it is measured: the dearest refusal is cheap beside a good exchange."""

    def seconds(token: str) -> float:
        started = time.perf_counter()
        server.exchange(subject_token=token)
        return time.perf_counter() - started

    token = server.world.idp.subject_token(server.url)
    good = min(seconds(token) for _ in range(10))
    bombs = ["e30." + "A" * 16_000 + ".AA", "A" * 16_384, "." * 16_384, ("eyJhIjo" * 2000)[:16_000] + ".e30.AA"]
    for bomb in bombs:
        assert min(seconds(bomb) for _ in range(5)) < 20 * good


@attack("A32")
@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "client-cert", "x-correlation-id"])
def test_a32_what_a_stranger_says_about_his_address_is_not_believed(server: ExchangeServer, name: str) -> None:
    response = server.http.post("/oauth/token", data={"grant_type": "x"}, headers={name: "203.0.113.9"})
    event = refused(server, response, "unsupported_grant_type", Reason.GRANT_TYPE_UNSUPPORTED)
    assert event["data"]["request"]["address"] == "127.0.0.1"
    assert "203.0.113.9" not in json.dumps(event)


def test_a32_a_callers_own_reference_is_recorded_and_never_used_as_ours(server: ExchangeServer) -> None:
    headers = {"x-request-id": "caller-7", "x-correlation-id": "11111111-1111-1111-1111-111111111111"}
    response = server.http.post("/oauth/token", data={"grant_type": "x"}, headers=headers)
    event = refused(server, response, "unsupported_grant_type", Reason.GRANT_TYPE_UNSUPPORTED)
    assert event["data"]["request"]["request_id"] == "caller-7"
    assert response.headers["x-correlation-id"] != headers["x-correlation-id"]
