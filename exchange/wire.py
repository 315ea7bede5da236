"""How a request's body comes and its answer leaves (RFC 9110 section 6.4): by ASGI, or at once where that is offered.

ASGI hands on a body in messages and takes an answer in two, each of which the server checks and waits for.
``portal.http_protocol`` offers the short way in the scope's extensions; under any other server, and wherever something
must be waited for, everything goes by ASGI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from exchange.body import read_body
from exchange.in_step import in_step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from exchange.protocol.response import Answer, Header

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[Mapping[str, Any]]]
    Send = Callable[[Mapping[str, Any]], Awaitable[None]]

DIRECT: Final = "handover.direct"
"""The extension's name in a scope."""

_NO_SNIFFING: Final = (b"x-content-type-options", b"nosniff")


class Direct(Protocol):
    """What our server offers for one request, beside ASGI."""

    def body(self) -> bytes | None:
        """The request's body if all of it is there; None where it must be waited for, or its caller has gone."""

    def answer(self, status: int, headers: Sequence[Header], body: bytes) -> bool:
        """Write a whole answer; False, and nothing written, where the caller is slow to read."""


async def body_of(scope: Scope, receive: Receive) -> bytes:
    """A request's body. Raises as ``read_body``."""
    direct: Direct | None = scope.get("extensions", {}).get(DIRECT)
    return await read_body(receive, None if direct is None else direct.body())


async def answer(
    scope: Scope, send: Send, given: Answer, correlation_id: str | None = None, *, is_head: bool = False
) -> None:
    """Send an answer."""
    headers = [*given.headers, (b"content-length", b"%d" % len(given.body)), _NO_SNIFFING]
    if correlation_id is not None:
        headers.append((b"x-correlation-id", correlation_id.encode()))
    body = b"" if is_head else given.body
    direct: Direct | None = await in_step(scope.get("extensions", {}).get(DIRECT))  # all are made, then all are written
    if direct is None or not direct.answer(given.status, headers, body):
        await send({"type": "http.response.start", "status": given.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
