"""F1 for questions about tokens: without a database nobody hears that a token is good, or that it was ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.rules import OWN, rule
from tests.vault import VAULT
from tests.waiting import wait_until
from tests.world import LEDGER

if TYPE_CHECKING:
    import httpx

    from tests.exchange_server import ExchangeServer
    from tests.own_services import OwnServices


@rule(157, OWN)
@pytest.mark.parametrize(("audience", "gateway"), [(LEDGER, "ledger-gateway"), (VAULT, "vault-gateway")])
def test_questions_are_answered_by_503_while_postgresql_is_dead_and_truthfully_afterwards(
    durable: OwnServices, busy: ExchangeServer, audience: str, gateway: str
) -> None:
    token = busy.exchange(auth=busy.basic, audience=audience).json()["access_token"]

    def ask(path: str, client: str) -> httpx.Response:
        return busy.http.post(path, data={"token": token}, auth=(client, busy.world.secret))

    def passes() -> int:
        query = {"audience": audience}
        headers = {"authorization": f"Bearer {token}"}
        return busy.http.get("/oauth/verify", params=query, headers=headers).status_code

    assert ask("/oauth/introspect", gateway).json()["active"] is True
    assert passes() == 200
    durable.kill_postgres()
    try:
        for path, client in (("/oauth/introspect", gateway), ("/oauth/revoke", "kestrel-batch")):
            answer = ask(path, client)
            assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert passes() == 503
    finally:
        durable.start_postgres()
    wait_until(lambda: ask("/oauth/introspect", gateway).status_code == 200, "introspection is back")
    assert ask("/oauth/introspect", gateway).json()["active"] is True
    wait_until(lambda: ask("/oauth/revoke", "kestrel-batch").status_code == 200, "revocation is back")
    assert ask("/oauth/introspect", gateway).json() == {"active": False}
    assert passes() == 401
