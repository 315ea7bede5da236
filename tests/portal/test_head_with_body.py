"""What leaves a connection, and when: the head of an answer with its body, anything else no later than its pass."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from portal.http_protocol import HeadWithBody

if TYPE_CHECKING:
    from collections.abc import Callable


class Wire:
    """A transport that notes what it was told."""

    def __init__(self) -> None:
        self.told: list[bytes | str] = []
        self.is_gone = False

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def close(self) -> None:
        self.told.append("closed")

    def is_closing(self) -> bool:
        return self.is_gone

    def get_extra_info(self, name: str) -> str:
        return name


def written(act: Callable[[Any, Wire], None]) -> list[bytes | str]:
    """What the wire was told in the pass of the act, a bar, and what it was told in the one after it."""

    async def run() -> list[bytes | str]:
        wire = Wire()
        act(HeadWithBody(wire, asyncio.get_running_loop().call_soon), wire)  # type: ignore[arg-type]
        wire.told.append("|")
        await asyncio.sleep(0)
        return wire.told

    return asyncio.run(run())


def all_at_once(*pieces: bytes) -> Callable[[Any, Wire], None]:
    def act(transport: Any, _: Wire) -> None:
        for piece in pieces:
            transport.write(piece)

    return act


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"head", b"body"], [b"headbody", "|"]),
        ([b"head"], ["|", b"head"]),
        ([b"head", b""], [b"head", "|"]),
        ([b"head", b"one", b"two"], [b"headone", "|", b"two"]),
        ([b"head", b"one", b"two", b"three"], [b"headone", b"twothree", "|"]),
    ],
)
def test_two_pieces_of_one_pass_leave_as_one_and_no_more_than_one_is_kept(
    pieces: list[bytes], expected: list[bytes | str]
) -> None:
    assert written(all_at_once(*pieces)) == expected


def test_closing_writes_what_was_kept_and_nothing_after_it() -> None:
    def act(transport: Any, _: Wire) -> None:
        transport.write(b"head")
        transport.close()

    assert written(act) == [b"head", "closed", "|"]


def test_a_caller_who_has_gone_is_not_written_to() -> None:
    def act(transport: Any, wire: Wire) -> None:
        transport.write(b"head")
        wire.is_gone = True

    assert written(act) == ["|"]


def test_whatever_else_it_is_asked_the_transport_itself_answers() -> None:
    def act(transport: Any, wire: Wire) -> None:
        wire.told.append(transport.get_extra_info("peername"))

    assert written(act) == ["peername", "|"]
