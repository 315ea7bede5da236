"""The body of a request: what came with the head costs no waiting, what comes later is waited for within bounds."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from exchange import body
from exchange.body import BodyTooSlow, ClientGone, read_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[dict[str, Any]]]


def piece(text: bytes, *, is_last: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": text, "more_body": not is_last}


def coming(*pieces: dict[str, Any], after: int) -> Receive:
    """A caller whose every piece comes some passes of the loop after it is asked for."""
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        for _ in range(after):
            await asyncio.sleep(0)
        return left.pop(0)

    return receive


@pytest.mark.parametrize("after", [0, 1, 3])
def test_it_is_read_whole_however_late_its_pieces_come(after: int) -> None:
    receive = coming(piece(b"gra", is_last=False), piece(b"nt", is_last=False), piece(b"=x"), after=after)
    assert asyncio.run(read_body(receive)) == b"grant=x"


@pytest.mark.parametrize("after", [0, 1])
def test_a_caller_that_leaves_is_noticed(after: int) -> None:
    with pytest.raises(ClientGone):
        asyncio.run(read_body(coming({"type": "http.disconnect"}, after=after)))


def test_what_fails_while_it_is_waited_for_is_told() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        asyncio.run(read_body(receive))


def test_whoever_is_waited_for_is_told_that_nobody_waits_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server counts its waiters: one that stayed behind would never be freed."""
    monkeypatch.setattr(body, "READ_TIMEOUT", 0.01)
    ended: list[str] = []

    async def receive() -> dict[str, Any]:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")
        return piece(b"")

    async def stopped() -> None:
        reading = asyncio.create_task(read_body(receive))
        await asyncio.sleep(0)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        assert reading.cancelled()

    with pytest.raises(BodyTooSlow):
        asyncio.run(read_body(receive))
    asyncio.run(stopped())
    assert ended == ["ended", "ended"]
