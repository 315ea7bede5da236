"""Our own API as a protected resource: RFC 9728 sections 2, 3 and 5.1."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from exchange.lane import Lane
from portal.scopes import API_SCOPES
from tests.conformance.rules import rule
from tests.conformance.test_rfc7662 import issued
from tests.conformance.test_rfc8414 import described, document_at

if TYPE_CHECKING:
    import httpx

    from tests.exchange_server import ExchangeServer

PLACE = "/.well-known/oauth-protected-resource"


@rule(87, "RFC 9728", "2")
def test_the_api_says_whose_tokens_it_takes_and_for_what(server: ExchangeServer) -> None:
    answer = server.http.get(f"{PLACE}/api", headers={"host": "evil.example"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    document = answer.json()
    assert document["resource"] == f"{server.url}/api"
    assert document["authorization_servers"] == [described(server)["issuer"]]
    assert document["bearer_methods_supported"] == ["header"]
    assert document["scopes_supported"] == list(API_SCOPES)
    assert document["resource_name"] == "Handover"
    assert document["dpop_signing_alg_values_supported"] == described(server)["dpop_signing_alg_values_supported"]
    assert described(server)["protected_resources"] == [document["resource"]]


@rule(87, "RFC 9728", "3")
@pytest.mark.parametrize(
    ("issuer", "place"),
    [
        ("https://sso.example", f"{PLACE}/api"),
        ("https://sso.example/handover", f"{PLACE}/handover/api"),
        ("https://sso.example/a/b", f"{PLACE}/a/b/api"),
    ],
)
def test_the_well_known_part_comes_before_the_path_of_the_api(issuer: str, place: str) -> None:
    document = asyncio.run(document_at(issuer, place))
    assert (document["resource"], document["authorization_servers"]) == (f"{issuer}/api", [issuer])


def challenge(answer: httpx.Response) -> dict[str, str]:
    """The parameters of the Bearer challenge."""
    (bearer,) = [text for text in answer.headers.get_list("www-authenticate") if text.startswith("Bearer ")]
    return dict(re.findall(r'(\w+)="([^"]*)"', bearer))


@rule(87, "RFC 9728", "5.1")
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/partners/kestrel?expand=clients"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_a_call_without_a_token_is_told_where_to_read_whom_to_ask_for_one(
    server: ExchangeServer, method: str, path: str
) -> None:
    answer = server.http.request(method, path)
    assert answer.status_code == 401
    assert answer.content == b"" if method == "HEAD" else answer.json()["code"] == "unauthenticated"
    asked = challenge(answer)
    assert "error" not in asked
    place = urlsplit(asked["resource_metadata"])
    assert f"{place.scheme}://{place.netloc}" == server.url
    assert server.http.get(place.path).json()["resource"] == f"{server.url}/api"


@rule(14, "RFC 6750", "3.1")
@rule(73, "RFC 9068", "4")
@rule(87, "RFC 9728", "5.1")
def test_a_token_for_another_target_or_of_nobody_does_not_open_the_api(server: ExchangeServer) -> None:
    for token in (issued(server), "nothing", f"ho_{'A' * 43}"):
        answer = server.http.get("/api/partners", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401
        assert challenge(answer)["error"] == "invalid_token"
        assert challenge(answer)["resource_metadata"] == f"{server.url}{PLACE}/api"


def test_a_neighbour_in_name_is_not_the_api() -> None:
    assert [Lane.guards(path) for path in ("/api", "/api/", "/api/x", "/apinsel", "/")] == [True] * 3 + [False] * 2
