"""F2: PostgreSQL is down for a while: what needs no database is served, everything else says when to come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from tests import exchange_server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer
    from tests.own_services import OwnServices

METADATA = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")


def test_without_postgresql_the_documents_are_served_and_the_process_is_alive_but_not_ready(
    durable: OwnServices, busy: ExchangeServer
) -> None:
    before = {path: busy.http.get(path).content for path in ("/oauth/jwks", *METADATA)}
    durable.stop_postgres()
    try:
        wait_until(lambda: busy.http.get("/readyz").status_code == 503, "it says that it is not ready")
        for path, content in before.items():
            answer = busy.http.get(path)
            assert (answer.status_code, answer.content) == (200, content)
        assert busy.http.get("/healthz").status_code == 200
        refused = busy.exchange()
        assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
    finally:
        durable.start_postgres()
    wait_until(lambda: busy.exchange().status_code == 200, "exchanges succeed again")
    wait_until(lambda: busy.http.get("/readyz").status_code == 200, "it is ready again")


def test_a_process_that_starts_without_postgresql_becomes_ready_when_it_comes(
    durable: OwnServices, busy: ExchangeServer
) -> None:
    durable.stop_postgres()
    try:
        with exchange_server.unready(busy) as http:
            wait_until(lambda: _status(http, "/healthz") == 200, "it is alive")
            assert _status(http, "/readyz") == 503
            assert _status(http, "/oauth/jwks") == 503
            assert http.get(METADATA[0]).status_code == 200
            refused = http.post("/oauth/token", data=busy.form(), auth=busy.basic)
            assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
            durable.start_postgres()
            wait_until(lambda: _status(http, "/readyz") == 200, "it is ready")
            answer = http.post("/oauth/token", data=busy.form(), auth=busy.basic)
            assert answer.status_code == 200, answer.text
    finally:
        durable.start_postgres()


def test_without_redis_exchanges_go_on(durable: OwnServices, busy: ExchangeServer) -> None:
    durable.stop_redis()
    try:
        assert [busy.exchange().status_code for _ in range(5)] == [200] * 5
        assert busy.http.get("/readyz").status_code == 200
    finally:
        durable.start_redis()


def _status(http: httpx.Client, path: str) -> int:
    try:
        return http.get(path).status_code
    except httpx.TransportError:
        return 0
