"""Our public keys: RFC 7517 sections 4 and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from joserfc.jwk import KeySet

from tests.conformance.rules import rule

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@rule(85, "RFC 7517", "4")
def test_the_key_set_has_public_members_and_says_use_and_algorithm(server: ExchangeServer) -> None:
    keys = server.http.get("/oauth/jwks").json()["keys"]
    assert keys
    for key in keys:
        assert not PRIVATE & key.keys()
        assert (key["use"], key["alg"]) == ("sig", "ES256")
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    kids = [key["kid"] for key in keys]
    assert len(set(kids)) == len(kids)
    assert KeySet.import_key_set({"keys": keys}).keys


@rule(85, "RFC 7517", "5")
def test_the_key_set_may_be_kept_for_a_while_by_anybody(server: ExchangeServer) -> None:
    response = server.http.get("/oauth/jwks")
    directives = [part.strip() for part in response.headers["cache-control"].split(",")]
    assert "public" in directives
    (max_age,) = (int(part.removeprefix("max-age=")) for part in directives if part.startswith("max-age="))
    assert 60 <= max_age <= 3600
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["content-type"] == "application/json"
