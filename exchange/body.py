"""Reading a request body with bounds on its size and on the time it may take (RFC 6749 section 3.2; attack A30)."""

from __future__ import annotations

import asyncio
from types import coroutine
from typing import TYPE_CHECKING, Any, Final

from exchange.protocol.form import MAX_BODY_LENGTH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping

    Piece = Generator[Any, None, Mapping[str, Any]]

READ_TIMEOUT: Final = 10.0


class BodyTooLarge(Exception):
    """More bytes than any legitimate token request has."""


class BodyTooSlow(Exception):
    """The body did not arrive in time: a slow sender holds no more than its own connection."""


class ClientGone(Exception):
    """The caller closed the connection before its request was complete."""


async def read_body(receive: Callable[[], Awaitable[Mapping[str, Any]]], there: bytes | None = None) -> bytes:
    """The whole body; ``there`` is all of it, where that is known without asking.

    Raises ``BodyTooLarge``, ``BodyTooSlow`` or ``ClientGone``.
    """
    body = await _received(receive) if there is None else there
    if len(body) > MAX_BODY_LENGTH:
        raise BodyTooLarge
    return body


async def _received(receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> bytes:
    message = await _first(receive)
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                body = await _rest(receive, body)
        except TimeoutError as error:
            raise BodyTooSlow from error
    return body


async def _rest(receive: Callable[[], Awaitable[Mapping[str, Any]]], first: bytes) -> bytes:
    pieces, length, is_more = [first], len(first), True
    while is_more:
        if length > MAX_BODY_LENGTH:
            raise BodyTooLarge
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece = message.get("body", b"")
        pieces.append(piece)
        length += len(piece)
        is_more = message.get("more_body", False)
    return b"".join(pieces)


async def _first(receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Any]:
    """The first piece. It nearly always came with the head, and a time limit costs as much as all of its reading.

    So it is asked for as far as that goes without waiting, and the limit is set only for what has to be waited for.
    """
    asked = receive().__await__()
    try:
        awaited = next(asked)
    except StopIteration as there:
        message: Mapping[str, Any] = there.value
    else:
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                message = await _rest_of(asked, awaited)
        except TimeoutError as error:
            raise BodyTooSlow from error
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


@coroutine
def _rest_of(asked: Piece, awaited: object) -> Piece:
    """What ``asked`` answers, which has begun and waits for ``awaited``."""
    try:
        yield awaited
    except BaseException:  # whoever waits is told to stop, by the limit or by the server
        asked.close()
        raise
    return (yield from asked)


def replay_body(body: bytes) -> Callable[[], Awaitable[Mapping[str, Any]]]:
    """A ``receive`` that hands on a body which was already read, and then waits: nobody disconnects from it."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Mapping[str, Any]:
        if not messages:
            await asyncio.get_running_loop().create_future()
        return messages.pop()

    return receive
