"""F4: PostgreSQL stands still with its connections open: requests end, other pages are served, and all recovers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exchange.ledger_connection import CALL_TIMEOUT
from tests.campaign import rounds
from tests.faults.accounts import assert_honest, assert_no_token_without_its_event
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.exchange_server import ExchangeServer
    from tests.own_services import OwnServices

CALLERS = 8
PATIENCE = 4 * CALL_TIMEOUT
"""Seconds within which a request ends on a machine that does much else; the limit itself is ``CALL_TIMEOUT``."""


def test_requests_end_while_postgresql_stands_still_and_succeed_afterwards(
    durable: OwnServices, busy: ExchangeServer, loaded: Callable[[int], Any]
) -> None:
    with loaded(CALLERS) as load:
        for number in range(rounds(1)):
            frozen_at = len(load.told)
            durable.freeze_postgres()
            try:
                load.until(
                    lambda at=frozen_at: load.connections(503, at) == set(range(CALLERS)), "everybody is refused"
                )
                assert busy.http.get("/oauth/jwks").status_code == 200
                assert busy.http.get("/healthz").status_code == 200
                wait_until(lambda: busy.http.get("/readyz").status_code == 503, "it says that it is not ready")
            finally:
                durable.thaw_postgres()
            thawed_at = len(load.told)
            load.until(lambda at=thawed_at: load.connections(200, at) == set(range(CALLERS)), f"recovery {number}")
        wait_until(lambda: busy.http.get("/readyz").status_code == 200, "it is ready again")
    assert_honest(load)
    assert assert_no_token_without_its_event(busy, load) >= CALLERS
    assert max(answer.seconds for answer in load.told) < PATIENCE
