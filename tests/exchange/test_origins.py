"""What ended behind a token of ours ends what it could become, at the next request (RFC 8693 section 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from audit.events import SYSTEM
from exchange.protocol.request import TOKEN_EXCHANGE
from partners import services as partners
from partners.changes import changing
from policy.reasons import Reason
from tests import services as plugin
from tests.conformance.rules import rule
from tests.oracle import granted, refused
from tests.world import ACCESS_TOKEN, REPORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from partners.changes import Change
    from tests.exchange.pair import Pair
    from tests.exchange_server import ExchangeServer

ENDS: dict[str, tuple[Callable[[Change], Any], Callable[[Change], Any]]] = {
    "its partner": (
        lambda change: partners.suspend_partner(change, "kestrel"),
        lambda change: partners.reinstate_partner(change, "kestrel"),
    ),
    "its client": (
        lambda change: partners.suspend_client(change, "kestrel-batch"),
        lambda change: partners.reinstate_client(change, "kestrel-batch"),
    ),
}


@pytest.fixture
def server(pair: Pair, services: plugin.Services, django_db_blocker: Any) -> Iterator[ExchangeServer]:
    """A server whose database this process's Django writes to."""
    name = pair.server.dsn.partition("?")[0].rpartition("/")[2]
    with django_db_blocker.unblock(), plugin.database_in_use(services, name):
        yield pair.server


def onwards(server: ExchangeServer, token: str) -> Any:
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "audience": REPORTS,
        "scope": "reports.read",
    }
    return server.post(form, auth=("ledger-service", server.world.secret))


@rule(47, "RFC 8693", "4.1")
@rule(48, "RFC 8693", "4.1")
@pytest.mark.parametrize("ended", ENDS)
def test_what_ended_behind_a_token_ends_its_exchange(server: ExchangeServer, ended: str) -> None:
    token = str(granted(server, server.exchange(auth=server.basic)).body["access_token"])
    end, begin_again = ENDS[ended]
    with changing(SYSTEM) as change:
        end(change)
    try:
        refused(server, onwards(server, token), "invalid_request", Reason.TOKEN_REVOKED)
    finally:
        with changing(SYSTEM) as change:
            begin_again(change)
    granted(server, onwards(server, token))
