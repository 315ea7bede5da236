"""What the fault tests share: durable stores of their own, and a server over them that is under load."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests import exchange_server, vault
from tests.bench.bodies import Exchanges
from tests.load import under_load
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.exchange_server import ExchangeServer
    from tests.load import Load
    from tests.own_services import OwnServices

    Loaded = Callable[[int], Any]


@pytest.fixture(scope="session")
def _busy(durable: OwnServices, django_db_blocker: Any) -> Iterator[ExchangeServer]:
    """A server of two processes over durable stores."""
    started: dict[str, Any] = {"prepare": vault.build, "workers": 2, "REDIS_URL": durable.redis.url()}
    with exchange_server.running(durable, django_db_blocker, **started) as server:
        yield server


@pytest.fixture
def busy(_busy: ExchangeServer) -> ExchangeServer:
    """It, recovered from what the test before did to it."""
    wait_until(lambda: _busy.exchange().status_code == 200, "exchanges succeed")
    wait_until(lambda: _busy.http.get("/readyz").status_code == 200, "it is ready")
    return _busy


@pytest.fixture
def loaded(busy: ExchangeServer) -> Loaded:
    """Puts the server under load by a number of callers; leaving the block ends the load."""
    exchanges = Exchanges(busy.url, busy.world.backend, busy.world.idp)

    @contextmanager
    def load(callers: int) -> Iterator[Load]:
        with under_load(int(busy.url.rpartition(":")[2]), exchanges.endless(), callers) as running:
            running.until(lambda: running.connections(200) == set(range(callers)), "every caller has a token")
            yield running

    return load
