"""npm jose and express-oauth2-jwt-bearer: resource servers that know our issuer and their own name, and no more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest

from tests.interop import node
from tests.waiting import wait_until
from tests.world import LEDGER, REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exchange_server import ExchangeServer
    from tests.interop.conftest import Stock


def issued(server: ExchangeServer, **changes: Any) -> str:
    return str(server.exchange(**changes).json()["access_token"])


def signed_answer(stock: Stock, token: str) -> str:
    """A JWT of ours that is no access token: the signed answer to a question about one (RFC 9701)."""
    headers = {"accept": "application/token-introspection+jwt"}
    auth = (stock.gateway["client_id"], stock.gateway["client_secret"])
    answer = stock.server.http.post("/oauth/introspect", data={"token": token}, auth=auth, headers=headers)
    assert answer.headers["content-type"] == "application/token-introspection+jwt"
    return answer.text


def test_jose_takes_our_token_for_its_audience_and_type_and_for_no_other(stock: Stock) -> None:
    server = stock.server
    token = issued(server)
    mine = {"issuer": server.url, "audience": LEDGER, "typ": "at+jwt", "algorithms": ["ES256"]}
    checks = [
        {"token": token, "expected": mine},
        {"token": token, "expected": mine | {"audience": REPORTS}},
        {"token": token, "expected": mine | {"typ": "JWT"}},
        {"token": token, "expected": mine | {"issuer": "https://other.example"}},
        {"token": signed_answer(stock, token), "expected": mine | {"audience": "ledger-gateway"}},
        {"token": token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"), "expected": mine},
    ]
    accepted, *refused = node.run("jose.mjs", jwks_uri=f"{server.url}/oauth/jwks", checks=checks)
    assert accepted["value"]["client_id"] == "kestrel-backend"
    assert [one["refused"]["code"] for one in refused] == [
        *["ERR_JWT_CLAIM_VALIDATION_FAILED"] * 4,
        "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    ]


@pytest.fixture(scope="module")
def accounts(stock: Stock) -> Iterator[httpx.Client]:
    """A resource server of a few lines, for the ledger."""
    described = {"issuer": stock.server.url, "jwks_uri": f"{stock.server.url}/oauth/jwks"}
    with (
        node.serving("express.mjs", **described, audience=LEDGER, scope="ledger.write") as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as http,
    ):
        yield http


def call(accounts: httpx.Client, token: str) -> httpx.Response:
    return accounts.get("/accounts", headers={"authorization": f"Bearer {token}"})


def test_express_lets_our_token_pass_and_hands_its_claims_to_the_application(stock: Stock, accounts: Any) -> None:
    answer = call(accounts, issued(stock.server, scope="ledger.write"))
    assert (answer.status_code, answer.json()["sub"]) == (200, "partner:kestrel:user-1")


def test_express_refuses_another_audience_another_type_and_nothing_at_all(stock: Stock, accounts: Any) -> None:
    answer = accounts.get("/accounts")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    subject = stock.provider.token(stock.server.url).json()["access_token"]
    elsewhere = issued(stock.server, subject_token=subject, audience=REPORTS)
    for token in (elsewhere, signed_answer(stock, issued(stock.server))):
        answer = call(accounts, token)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_express_refuses_a_scope_that_was_not_granted(stock: Stock, accounts: Any) -> None:
    answer = call(accounts, issued(stock.server, scope="ledger.read"))
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")


def test_express_refuses_our_token_once_it_has_expired(stock: Stock, accounts: Any) -> None:
    server = stock.server
    subject = server.world.idp.subject_token(server.url, exp=int(time.time()) + 3)
    token = issued(server, subject_token=subject, scope="ledger.write")
    ends = jwt.decode(token, options={"verify_signature": False})["exp"]
    assert call(accounts, token).status_code == 200
    wait_until(lambda: time.time() > ends, "the token expires")
    answer = call(accounts, token)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
