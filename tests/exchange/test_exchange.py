"""One exchange, end to end, over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer


def test_a_partners_token_becomes_ours(server: ExchangeServer) -> None:
    response = server.exchange(scope="ledger.read ledger.write")
    assert response.status_code == 200, response.text
    body = response.json()
    print(body, server.event(response))
