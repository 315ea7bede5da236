"""Two processes of one installation, asked at the same time."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.load import post

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.exchange_server import ExchangeServer
    from tests.signers import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of the token endpoint."""

    status: int
    headers: dict[str, str]
    json: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pair:
    """The processes' ports, the server that one of them is, and an issuer whose tokens are one-time."""

    server: ExchangeServer
    ports: tuple[int, int]
    once: Signer

    def at_once(self, forms: Sequence[dict[str, Any]]) -> list[Reply]:
        """Send every form to the processes in turn, in the same moment."""
        return at_once(forms, self.ports)


def at_once(forms: Sequence[dict[str, Any]], ports: Sequence[int]) -> list[Reply]:
    """Send every form on a connection of its own, to these ports in turn, in the same moment."""
    return asyncio.run(_at_once([urlencode(form).encode() for form in forms], ports))


async def _at_once(bodies: list[bytes], ports: Sequence[int]) -> list[Reply]:
    turns = [ports[number % len(ports)] for number in range(len(bodies))]
    connections = [await asyncio.open_connection("127.0.0.1", port) for port in turns]
    answers = await asyncio.gather(*(post(*pair, body) for pair, body in zip(connections, bodies, strict=True)))
    for _, writer in connections:
        writer.close()
    return [Reply(status=status, headers=headers, json=json.loads(body)) for status, headers, body in answers]


def assertion_form(server: ExchangeServer, **changes: Any) -> dict[str, Any]:
    """A good exchange by private_key_jwt."""
    good = server.form() | {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": server.world.backend.assertion(server.world.issuer),
    }
    return good | changes
