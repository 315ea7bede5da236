"""The application inside the test's own process, for tests that decide what shares a batch, and what it waits for."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings

from portal.asgi import Application
from tests import world as worlds
from tests.exchange.pair import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.world import World


def organisation() -> World:
    """The test organisation, in the database in use, for the issuer that this process is."""
    return worlds.build(settings.HANDOVER.issuer)


class Caller:
    """Calls the application as a server would; ``application`` is running."""

    def __init__(self, application: Application, world: World) -> None:
        self.application = application
        self.world = world

    def form(self, **changes: Any) -> dict[str, Any]:
        """A good exchange by private_key_jwt."""
        good = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": self.world.idp.subject_token(self.world.issuer),
            "subject_token_type": worlds.ACCESS_TOKEN,
            "audience": worlds.LEDGER,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.world.backend.assertion(self.world.issuer),
        }
        return good | changes

    async def post(self, form: dict[str, Any], **fields: str) -> Reply:
        """Its answer, with these header fields. Requests that are gathered reach the ledger together: in one batch."""
        messages: list[Mapping[str, Any]] = []
        body = urlencode(form, doseq=True).encode()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            messages.append(message)

        headers = [(b"content-type", b"application/x-www-form-urlencoded")]
        headers += [(name.encode(), value.encode()) for name, value in fields.items()]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/oauth/token",
            "headers": headers,
            "client": ("127.0.0.1", 1),
        }
        await self.application(scope, receive, send)
        fields = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        return Reply(status=messages[0]["status"], headers=fields, json=json.loads(messages[1]["body"]))


@asynccontextmanager
async def calling(world: World) -> AsyncIterator[Caller]:
    """A running application over the database in use."""
    application = Application()
    said: asyncio.Queue[Any] = asyncio.Queue()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(application({"type": "lifespan"}, said.get, heard.put))
    await said.put({"type": "lifespan.startup"})
    assert (await heard.get())["type"] == "lifespan.startup.complete"
    try:
        yield Caller(application, world)
    finally:
        await said.put({"type": "lifespan.shutdown"})
        await life
