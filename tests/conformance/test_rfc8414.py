"""What we say about ourselves: RFC 8414 sections 2 and 3; OpenID Connect Discovery section 4 is the same document."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from exchange.lane import Lane, Premises
from exchange.snapshot import Snapshots
from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.oracle import refused

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer

PLACES = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]


def described(server: ExchangeServer) -> dict[str, Any]:
    return cast("dict[str, Any]", server.http.get(PLACES[0]).json())


@rule(82, "RFC 8414", "3")
@rule(82, "RFC 8414", "3.3")
@pytest.mark.parametrize("place", PLACES)
def test_the_metadata_is_at_both_places_and_names_the_configured_issuer(server: ExchangeServer, place: str) -> None:
    response = server.http.get(place, headers={"host": "evil.example", "x-forwarded-host": "evil.example"})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json()["issuer"] == server.url
    assert "evil.example" not in response.text


@rule(82, "RFC 8414", "3")
@pytest.mark.parametrize(
    ("issuer", "place"),
    [
        ("https://sso.example", "/.well-known/oauth-authorization-server"),
        ("https://sso.example/handover", "/.well-known/oauth-authorization-server/handover"),
        ("https://sso.example/a/b", "/.well-known/oauth-authorization-server/a/b"),
        ("https://sso.example/handover", "/handover/.well-known/openid-configuration"),
    ],
)
def test_the_place_is_made_from_the_issuers_path(issuer: str, place: str) -> None:
    metadata = asyncio.run(document_at(issuer, place))
    assert metadata["issuer"] == issuer
    assert metadata["token_endpoint"] == f"{issuer}/oauth/token"


async def document_at(issuer: str, place: str) -> dict[str, Any]:
    """What a lane for this issuer serves there."""
    nobody: Any = SimpleNamespace(limits=None)  # documents are served without them
    lane = Lane(Snapshots(), nobody, nobody, nobody, Premises(issuer=issuer, scopes=("a",), trusted=()))
    assert lane.handles(place)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await lane({"path": place, "method": "GET"}, cast("Any", None), send)
    return cast("dict[str, Any]", json.loads(sent[1]["body"]))


@rule(83, "RFC 8414", "2")
def test_endpoints_grants_methods_and_algorithms_are_published(server: ExchangeServer) -> None:
    metadata = described(server)
    assert metadata["token_endpoint"] == f"{server.url}/oauth/token"
    assert metadata["jwks_uri"] == f"{server.url}/oauth/jwks"
    assert "urn:ietf:params:oauth:grant-type:token-exchange" in metadata["grant_types_supported"]
    methods = metadata["token_endpoint_auth_methods_supported"]
    assert {"client_secret_basic", "client_secret_post", "private_key_jwt"} <= set(methods)
    algorithms = set(metadata["token_endpoint_auth_signing_alg_values_supported"])
    assert {"ES256", "RS256"} <= algorithms
    assert not {name for name in algorithms if name.startswith("HS") or name.lower() == "none"}
    assert metadata["dpop_signing_alg_values_supported"]


@rule(83, "RFC 8414", "2")
def test_partners_and_their_scopes_are_not_published(server: ExchangeServer) -> None:
    text = server.http.get(PLACES[0]).text
    for name in ("kestrel", "heron", "fjord", "ledger", "meridian", "settle"):
        assert name not in text
    assert "scopes_supported" not in text


@rule(84, "RFC 8414", "2")
def test_every_endpoint_that_is_listed_answers(server: ExchangeServer) -> None:
    endpoints = {name: url for name, url in described(server).items() if name.endswith(("_endpoint", "_uri"))}
    assert {"token_endpoint", "jwks_uri"} <= endpoints.keys()
    for name, url in endpoints.items():
        assert url.startswith(f"{server.url}/"), name
        assert server.http.get(url.removeprefix(server.url)).status_code in {200, 302, 400, 405}, name


@rule(84, "RFC 8414", "2")
def test_every_grant_type_that_is_listed_is_known_and_no_other(server: ExchangeServer) -> None:
    listed = described(server)["grant_types_supported"]
    for grant_type in listed:
        error = server.post({"grant_type": grant_type}).json()["error"]
        assert error not in {"unsupported_grant_type", "server_error"}, grant_type
    others = {"client_credentials", "password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"} - set(listed)
    for grant_type in others:
        refused(
            server,
            server.post({"grant_type": grant_type}),
            "unsupported_grant_type",
            Reason.GRANT_TYPE_UNSUPPORTED,
        )


@rule(84, "RFC 8414", "2")
def test_nothing_is_listed_that_comes_later(server: ExchangeServer) -> None:
    later = {"introspection_endpoint", "revocation_endpoint", "device_authorization_endpoint", "registration_endpoint"}
    for name in later & described(server).keys():
        response = server.http.post(described(server)[name].removeprefix(server.url))
        assert response.status_code in {200, 400, 401}, name


@rule(82, "RFC 8414", "3")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_metadata_takes_get_only(server: ExchangeServer, method: str) -> None:
    response = server.http.request(method, PLACES[0])
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    head = server.http.head(PLACES[0])
    assert (head.status_code, head.content) == (200, b"")
