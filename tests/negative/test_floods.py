"""A flood of requests by nobody: others are served meanwhile, and memory stays bounded (F34)."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests import exchange_server
from tests.attacks import attack
from tests.exchange.pair import assertion_form
from tests.load import under_load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exchange_server import ExchangeServer
    from tests.services import Services

PROBES = 200
FLOOD = 5000
MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def proxied(services: Services, django_db_blocker: Any) -> Iterator[ExchangeServer]:
    """Two processes that keep limits. This machine is their proxy, so that callers have addresses of their own."""
    settings: dict[str, Any] = {
        "HANDOVER_TRUSTED_PROXIES": "127.0.0.1/32",
        "HANDOVER_FAILED_AUTHENTICATIONS_PER_MINUTE": "60",
    }
    with exchange_server.running(services, django_db_blocker, workers=2, **settings) as server:
        yield server


def resident(process: int) -> int:
    """Bytes in memory of a process and those it started."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return (int(found[1]) * 1024 if found else 0) + sum(resident(int(child)) for child in children)


def succeeds(server: ExchangeServer) -> bool:
    return server.post(assertion_form(server), headers={"x-forwarded-for": "198.51.100.7"}).status_code == 200


@attack("F34")
def test_a_flood_by_nobody_neither_stops_others_nor_fills_the_memory(proxied: ExchangeServer) -> None:
    numbers = count()

    def nobody() -> bytes:
        number = next(numbers)
        form = proxied.form(subject_token="x" * 8000) | {"client_id": f"client-{number}", "client_secret": "guess"}
        return urlencode(form).encode()

    assert sum(succeeds(proxied) for _ in range(20)) == 20
    before = resident(proxied.process.pid)
    with under_load(int(proxied.url.rpartition(":")[2]), nobody, 32) as load:
        load.until(lambda: load.count(429) > 0, "the flood is throttled")
        passed = sum(succeeds(proxied) for _ in range(PROBES))
        load.until(lambda: len(load.told) > FLOOD, "the flood went on")
    assert {told.status for told in load.told} <= {401, 429}
    assert passed >= PROBES * 0.99
    assert resident(proxied.process.pid) - before < 64 * MEBIBYTE
