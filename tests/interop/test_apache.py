"""Apache mod_oauth2 before an application: it takes our tokens by our keys, or by asking us, and refuses others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest

from tests.interop.apache import protecting
from tests.interop.test_javascript_resource_servers import issued, signed_answer
from tests.waiting import wait_until
from tests.world import LEDGER, REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.interop.conftest import Stock

WAYS = ["/by-keys", "/by-asking"]


@pytest.fixture(scope="module")
def apache(stock: Stock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    directory, protected = tmp_path_factory.mktemp("apache"), {"audience": LEDGER, "scope": "ledger.write"}
    with (
        protecting(directory, stock.server.url, **protected, gateway=stock.gateway) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as http,
    ):
        yield http


def call(apache: httpx.Client, path: str, token: str) -> httpx.Response:
    return apache.get(path, headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize("path", WAYS)
def test_it_lets_our_token_pass_and_knows_who_calls(stock: Stock, apache: httpx.Client, path: str) -> None:
    answer = call(apache, path, issued(stock.server, scope="ledger.write"))
    assert (answer.status_code, answer.headers["x-user"]) == (204, "partner:kestrel:user-1")


@pytest.mark.parametrize("path", WAYS)
def test_it_refuses_another_scope_another_audience_another_type_and_nothing(
    stock: Stock, apache: httpx.Client, path: str
) -> None:
    token = issued(stock.server, scope="ledger.read")
    subject = stock.provider.token(stock.server.url).json()["access_token"]
    elsewhere = issued(stock.server, subject_token=subject, audience=REPORTS)
    refused: list[Any] = [apache.get(path)]
    refused += [call(apache, path, wrong) for wrong in (token, elsewhere, signed_answer(stock, token), token[:-8])]
    assert [answer.status_code for answer in refused] == [401] * 5
    assert refused[0].headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", WAYS)
def test_it_refuses_a_token_that_has_expired(stock: Stock, apache: httpx.Client, path: str) -> None:
    server = stock.server
    subject = server.world.idp.subject_token(server.url, exp=int(time.time()) + 3)
    token = issued(server, subject_token=subject, scope="ledger.write")
    assert call(apache, path, token).status_code == 204
    ends = jwt.decode(token, options={"verify_signature": False})["exp"]
    wait_until(lambda: time.time() >= ends + 1, "the second in which the token expires is over: it counts in seconds")
    assert call(apache, path, token).status_code == 401


def test_asking_it_refuses_a_token_that_was_revoked(stock: Stock, apache: httpx.Client) -> None:
    server = stock.server
    token = server.exchange(auth=server.basic, scope="ledger.write").json()["access_token"]
    assert call(apache, "/by-asking", token).status_code == 204
    answer = server.http.post("/oauth/revoke", data={"token": token}, auth=server.basic)
    assert answer.status_code == 200
    assert call(apache, "/by-asking", token).status_code == 401
