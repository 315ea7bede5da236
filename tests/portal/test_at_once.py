"""The short way for a body and an answer: in one piece, as ASGI's would be, and nothing where something must wait."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from exchange import wire
from exchange.protocol.response import Answer
from portal.http_protocol import AtOnce

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD = b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-type: text/plain\r\n"


class Cycle(SimpleNamespace):
    """What uvicorn keeps of one request and its answer, as far as it matters here."""

    def __init__(self, **changed: Any) -> None:
        told: list[Any] = []
        usual: dict[str, Any] = {
            "told": told,
            "scope": {"method": "POST"},
            "transport": SimpleNamespace(write=told.append, close=lambda: told.append("closed")),
            "flow": SimpleNamespace(write_paused=False),
            "message_event": asyncio.Event(),
            "default_headers": [(b"date", b"today")],
            "body": bytearray(b"grant=x"),
            "more_body": False,
            "keep_alive": True,
            "disconnected": False,
            "response_started": False,
            "response_complete": False,
            "on_response": lambda: told.append("ended"),
        }
        super().__init__(**usual | changed)


def answered(cycle: Cycle, *, body: bytes = b"hello") -> bool:
    return AtOnce(cycle).answer(200, [(b"content-type", b"text/plain")], body)  # type: ignore[arg-type]


def test_an_answer_leaves_in_one_piece_and_ends_the_request() -> None:
    cycle = Cycle()
    assert answered(cycle)
    assert cycle.told == [HEAD + b"\r\nhello", "ended"]
    assert cycle.response_started
    assert cycle.response_complete
    assert cycle.message_event.is_set()
    assert not answered(cycle)


def test_a_connection_that_is_not_kept_is_told_so_and_closed() -> None:
    cycle = Cycle(keep_alive=False)
    assert answered(cycle, body=b"")
    assert cycle.told == [HEAD + b"connection: close\r\n\r\n", "closed", "ended"]


def test_a_question_for_the_head_alone_gets_no_body() -> None:
    cycle = Cycle(scope={"method": "HEAD"})
    assert answered(cycle)
    assert cycle.told == [HEAD + b"\r\n", "ended"]


def test_who_has_gone_is_told_nothing_and_who_reads_slowly_is_waited_for_by_the_other_way() -> None:
    gone, slow = Cycle(disconnected=True), Cycle(flow=SimpleNamespace(write_paused=True))
    assert answered(gone)
    assert not answered(slow)
    assert not gone.told
    assert not slow.told
    assert not slow.response_started


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb"])
def test_a_field_of_two_lines_is_not_sent(value: bytes) -> None:
    cycle = Cycle()
    with pytest.raises(ValueError, match="a line break"):
        AtOnce(cycle).answer(200, [(b"content-type", value)], b"")  # type: ignore[arg-type]
    assert not cycle.told
    assert not cycle.response_started


def test_a_body_is_handed_on_once_it_is_whole_and_not_to_somebody_who_has_gone() -> None:
    whole = Cycle()
    assert AtOnce(whole).body() == b"grant=x"  # type: ignore[arg-type]
    assert not whole.body
    for cycle in (Cycle(more_body=True), Cycle(disconnected=True)):
        assert AtOnce(cycle).body() is None  # type: ignore[arg-type]
        assert cycle.body == b"grant=x"


@pytest.mark.parametrize("is_slow", [False, True])
def test_an_answer_goes_by_asgi_where_the_short_way_is_closed(*, is_slow: bool) -> None:
    told: list[Mapping[str, Any]] = []

    async def send(message: Mapping[str, Any]) -> None:
        told.append(message)

    cycle = Cycle(flow=SimpleNamespace(write_paused=is_slow))
    scope = {"extensions": {wire.DIRECT: AtOnce(cycle)}}  # type: ignore[arg-type]
    given = Answer(status=200, headers=((b"a", b"b"),), body=b"hello")
    asyncio.run(wire.answer(scope, send, given, "reference", is_head=True))
    headers = [(b"a", b"b"), (b"content-length", b"5"), (b"x-content-type-options", b"nosniff")]
    headers.append((b"x-correlation-id", b"reference"))
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    assert told == ([start, {"type": "http.response.body", "body": b""}] if is_slow else [])
    assert bool(cycle.told) is not is_slow
