"""A call of our own API on its way from the lane to the portal: what was verified goes with it (RFC 6750, RFC 9728).

Whoever has no token may have a browser's session; the portal looks at that, and asks for the form's own token as well.
The body is read here, within bounds, before anything else sees it (RFC 9457 tells what was wrong with it).
"""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.conf import settings

from exchange.body import BodyTooLarge, BodyTooSlow, ClientGone, read_body, replay_body
from exchange.protocol.problems import MEDIA_TYPE, problem
from exchange.protocol.response import Answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from exchange.caller import Caller
    from exchange.own_tokens import OwnToken

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[Mapping[str, Any]]]
    Send = Callable[[Mapping[str, Any]], Awaitable[None]]

ADMITTED: Final = "handover.admitted"
"""Where the ASGI scope holds what was verified; no header field of a caller can set it."""
_TOLD: Final = frozenset({b"cache-control", b"www-authenticate", b"retry-after", b"ratelimit", b"ratelimit-policy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What is known of a call. ``own`` is None where no token came, and only a session can speak for it."""

    own: OwnToken | None
    correlation_id: str
    description: str
    """Where a caller without credentials learns whom to ask for some (RFC 9728 section 5.1)."""


def is_of_a_session(scope: Scope, caller: Caller) -> bool:
    """Whether a call brings a session's cookie and no token: with both, the token is what counts."""
    if caller.authorization:
        return False
    cookies = SimpleCookie()
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                cookies.load(value.decode("latin-1"))
            except CookieError:
                return False
    return settings.SESSION_COOKIE_NAME in cookies


async def hand_over(
    portal: Callable[..., Awaitable[None]], admitted: Admitted, scope: Scope, receive: Receive, send: Send
) -> Answer | None:
    """Have the portal answer; or the answer to a body that is too much, which it never sees."""
    try:
        body = await read_body(receive)
    except ClientGone:
        return None
    except BodyTooLarge:
        return Answer(status=413, headers=(), body=b"")
    except BodyTooSlow:
        return Answer(status=408, headers=(), body=b"")
    await portal({**scope, ADMITTED: admitted}, replay_body(body), send)
    return None


def as_problem(answer: Answer, correlation_id: str) -> Answer:
    """The refusal with the challenges and pauses it has, and a body as every error of the API has (RFC 9457)."""
    headers = tuple(field for field in answer.headers if field[0] in _TOLD)
    if not any(name == b"cache-control" for name, _ in headers):
        headers += ((b"cache-control", b"no-store"),)
    body = orjson.dumps(problem(answer.status, correlation_id))
    return Answer(status=answer.status, headers=((b"content-type", MEDIA_TYPE.encode()), *headers), body=body)
