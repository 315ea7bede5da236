"""Giving tokens back: RFC 7009, and what ends with a token (reliability.md section 3.2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.rules import OWN, rule
from tests.conformance.test_rfc7662 import ask, claims_of, issued

if TYPE_CHECKING:
    import httpx

    from tests.exchange_server import ExchangeServer


def give_back(server: ExchangeServer, token: str, *, client: str = "kestrel-batch", **data: Any) -> httpx.Response:
    return server.http.post("/oauth/revoke", data={"token": token} | data, auth=(client, server.world.secret))


def batch_token(server: ExchangeServer) -> str:
    return issued(server, auth=server.basic)


@rule(156, OWN)
@rule(75, "RFC 7009", "2.1")
@rule(77, "RFC 7009", "2.1")
@pytest.mark.parametrize("hint", [{}, {"token_type_hint": "access_token"}, {"token_type_hint": "refresh_token"}])
def test_a_token_given_back_is_inactive_at_once(server: ExchangeServer, hint: dict[str, str]) -> None:
    token = batch_token(server)
    assert ask(server, token).json()["active"] is True
    answer = give_back(server, token, **hint)
    assert answer.status_code == 200
    assert ask(server, token).json() == {"active": False}
    event = server.event(answer)
    assert (event["kind"], event["reason"]) == ("token.revoked", "")
    assert event["data"]["token"]["jti"] == claims_of(token)["jti"]


@rule(75, "RFC 7009", "2.2")
@pytest.mark.parametrize("token", ["nothing", "a.b.c", "x" * 300])
def test_an_unknown_token_is_no_error(server: ExchangeServer, token: str) -> None:
    answer = give_back(server, token)
    assert answer.status_code == 200
    assert server.event(answer)["reason"] == "token.malformed"


@rule(75, "RFC 7009", "2.2")
def test_giving_a_token_back_twice_is_no_error(server: ExchangeServer) -> None:
    token = batch_token(server)
    assert [give_back(server, token).status_code for _ in range(2)] == [200, 200]
    (row,) = server.rows("SELECT revoked_at FROM exchange_issuedtoken WHERE id = %s", claims_of(token)["jti"])
    assert row[0] is not None


@rule(76, "RFC 7009", "2.1")
def test_nobody_ends_another_clients_token(server: ExchangeServer) -> None:
    token = batch_token(server)
    answer = give_back(server, token, client="fjord-backend")
    assert answer.status_code == 200
    assert ask(server, token).json()["active"] is True
    assert server.event(answer)["reason"] == "token.of_others"


@rule(150, "OWASP ASVS", "10.4.10")
@rule(75, "RFC 7009", "2.1")
def test_a_caller_that_does_not_authenticate_ends_nothing(server: ExchangeServer) -> None:
    token = batch_token(server)
    assert server.http.post("/oauth/revoke", data={"token": token}).status_code == 401
    assert ask(server, token).json()["active"] is True


@rule(75, "RFC 7009", "2.1")
def test_the_token_parameter_is_required(server: ExchangeServer) -> None:
    answer = server.http.post("/oauth/revoke", data={}, auth=("kestrel-batch", server.world.secret))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@rule(77, "RFC 7009", "2.1")
def test_an_answer_that_begins_after_the_revocation_never_says_active(server: ExchangeServer) -> None:
    """Beside many questions under way: none that starts once the 200 is there may see the old state."""
    token = batch_token(server)
    with ThreadPoolExecutor(8) as callers:
        before = [callers.submit(ask, server, token) for _ in range(24)]
        assert give_back(server, token).status_code == 200
        after = [callers.submit(ask, server, token) for _ in range(24)]
        assert all(question.result().status_code == 200 for question in before)
        assert not any(question.result().json()["active"] for question in after)


@rule(75, "RFC 7009", "2.1")
def test_an_assertion_ends_one_token_and_is_spent(server: ExchangeServer) -> None:
    token = issued(server)
    form = {
        "token": token,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": server.world.backend.assertion(server.url),
    }
    assert server.http.post("/oauth/revoke", data=form).status_code == 200
    assert ask(server, token).json() == {"active": False}
    assert server.http.post("/oauth/revoke", data=form).status_code == 401
