"""One application, two lanes: the exchange's hot paths to its own callable, everything else to Django.

``HANDOVER_SERVE`` chooses what a process serves: in production the exchange and the portal are two pools of the same
image, so that a busy page never slows an exchange (performance.md decision 1).
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.base")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from django.conf import settings  # noqa: E402 - Django is set up by now

from exchange import jwks  # noqa: E402
from exchange.answering import Answerer  # noqa: E402
from exchange.lane import Lane, Premises  # noqa: E402
from exchange.ledger import Ledger  # noqa: E402
from exchange.ledger_connection import REFERENCED, STANDING, LedgerConnection  # noqa: E402
from exchange.limits.buckets import Buckets  # noqa: E402
from exchange.limits.floods import Floods  # noqa: E402
from exchange.limits.levels import Limits  # noqa: E402
from exchange.limits.renewal import Renewal  # noqa: E402
from exchange.limits.slices import Slices  # noqa: E402
from exchange.questions import Questions  # noqa: E402
from exchange.references import References  # noqa: E402
from exchange.snapshot import Snapshots, SnapshotUnavailable  # noqa: E402
from exchange.standings import Standings  # noqa: E402
from portal.database.connections import connection_parameters  # noqa: E402
from portal.garbage import leave_alone_what_stays  # noqa: E402
from portal.scopes import API_SCOPES  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[Mapping[str, Any]]]
    Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class Application:
    """The ASGI application. Its lifespan opens and closes what the exchange's lane holds."""

    def __init__(self) -> None:
        config = settings.HANDOVER
        self._serves_exchange = config.serve in {"all", "exchange"}
        self._serves_portal = config.serve in {"all", "portal"}
        self._snapshots = Snapshots()
        self._connection = LedgerConnection(connection_parameters(config.database_url))
        self._ledger = Ledger(self._connection, self._snapshots.now)
        self._standings = Standings(LedgerConnection(connection_parameters(config.database_url), STANDING))
        self._references = References(LedgerConnection(connection_parameters(config.database_url), REFERENCED))
        slices = Slices()
        self._renewal = Renewal(slices, Buckets(config.redis_url))
        limits = Limits(slices, config.limits)
        self._floods = Floods(self._snapshots, self._ledger, is_counting=bool(config.failure_rate))
        answerer = Answerer(self._snapshots, self._ledger, self._references, limits, self._floods)
        questions = Questions(answerer, self._snapshots, self._ledger, self._references, self._standings)
        self._lane = Lane(
            self._snapshots,
            answerer,
            questions,
            django_application,
            Premises(issuer=config.issuer, scopes=tuple(API_SCOPES), trusted=config.trusted_proxies),
        )
        self._background: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send one connection to its lane."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and self._lane.handles(scope["path"]):
            await self._lane(scope, receive, send)
        elif self._serves_portal and scope["type"] == "http" and self._lane.guards(scope["path"]):
            await self._lane.admit(scope, receive, send)
        elif self._serves_portal or scope["type"] != "http":
            await django_application(scope, receive, send)
        else:
            await _not_here(send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        """Read the configuration if the database is there; if not, serve what needs none and go on trying."""
        with suppress(SnapshotUnavailable):
            await self._snapshots.catch_up()
        await self._connection.open()
        watches = (self._snapshots.watch(), jwks.stand_in(), self._renewal.run(), self._floods.watch())
        self._background = [asyncio.create_task(watch) for watch in watches]
        leave_alone_what_stays()

    async def _stop(self) -> None:
        for task in self._background:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._floods.close()
        await self._renewal.close()
        await self._ledger.close()
        await self._standings.close()
        await self._references.close()


async def _not_here(send: Send) -> None:
    """A page asked of a process that serves the exchange only."""
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"This process serves the token endpoints only.\n"})


application = Application()
