"""Introspection as resource servers use it: RFC 7662, and its signed form, RFC 9701."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt as pyjwt
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from exchange.protocol.compact import encode_segment
from tests.conformance.rules import rule
from tests.conformance.test_rfc8693_delegation import delegate
from tests.oracle import granted

if TYPE_CHECKING:
    import httpx

    from tests.exchange_server import ExchangeServer

UNSIGNED = encode_segment(b'{"alg":"none"}').decode()


def ask(server: ExchangeServer, token: str, *, client: str = "ledger-gateway", **options: Any) -> httpx.Response:
    auth = options.pop("auth", (client, server.world.secret))
    return server.http.post("/oauth/introspect", data={"token": token}, auth=auth, **options)


def issued(server: ExchangeServer, **changes: Any) -> str:
    return str(server.exchange(**changes).json()["access_token"])


def claims_of(token: str) -> dict[str, Any]:
    """Unverified: what we signed is another test's matter."""
    return dict(pyjwt.decode(token, options={"verify_signature": False}))


@rule(78, "RFC 7662", "2.2")
@rule(80, "RFC 7662", "2.2")
def test_a_resource_server_hears_all_it_needs_of_a_token_for_its_target(server: ExchangeServer) -> None:
    token = issued(server, scope="ledger.read")
    answer = ask(server, token)
    claims = claims_of(token)
    assert answer.json() == {
        "active": True,
        "scope": "ledger.read",
        "token_type": "Bearer",
        **{name: claims[name] for name in ("iss", "sub", "aud", "client_id", "exp", "iat", "jti", "txn", "fam", "src")},
    }
    assert answer.headers["cache-control"] == "no-store"


@rule(56, "RFC 8693", "7")
def test_introspection_shows_the_actor(server: ExchangeServer) -> None:
    answer = granted(server, delegate(server))
    assert ask(server, answer.body["access_token"]).json()["act"] == answer.claims["act"]


@rule(150, "OWASP ASVS", "10.4.10")
@rule(78, "RFC 7662", "2.1")
@pytest.mark.parametrize("auth", [None, ("ledger-gateway", "wrong"), ("nobody", "secret")])
def test_a_caller_that_does_not_authenticate_hears_nothing(server: ExchangeServer, auth: Any) -> None:
    answer = ask(server, issued(server), auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "active" not in answer.json()
    assert server.event(answer)["kind"] == "client.authentication_failed"


@rule(78, "RFC 7662", "2.2")
@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ("{0}.{1}.AAAA", "token.signature_wrong"),
        ("{0}.{1}.", "token.signature_wrong"),
        ("{0}.{1}", "token.malformed"),
        ("opaque", "token.malformed"),
        (f"{UNSIGNED}.{{1}}.", "token.algorithm_refused"),
    ],
)
def test_whatever_is_no_token_of_ours_is_only_inactive(server: ExchangeServer, spoiled: str, reason: str) -> None:
    answer = ask(server, spoiled.format(*issued(server).split(".")))
    assert (answer.status_code, answer.json()) == (200, {"active": False})
    event = server.event(answer)
    assert (event["kind"], event["reason"]) == ("token.introspected", reason)


@rule(78, "RFC 7662", "2.2")
def test_a_partners_own_token_is_inactive(server: ExchangeServer) -> None:
    answer = ask(server, server.world.idp.subject_token(server.url))
    assert answer.json() == {"active": False}


@rule(79, "RFC 7662", "4")
def test_a_token_for_another_target_is_inactive_to_a_resource_server(server: ExchangeServer) -> None:
    answer = ask(server, issued(server), client="reports-gateway")
    assert answer.json() == {"active": False}
    assert server.event(answer)["reason"] == "token.of_others"


@rule(79, "RFC 7662", "4")
def test_the_client_that_holds_a_token_may_ask_and_another_client_may_not(server: ExchangeServer) -> None:
    token = str(server.exchange(auth=server.basic).json()["access_token"])
    assert ask(server, token, client="kestrel-batch").json()["active"] is True
    assert ask(server, token, client="fjord-backend").json() == {"active": False}


@rule(81, "RFC 9701", "4")
@rule(81, "RFC 9701", "5")
def test_the_answer_comes_signed_to_who_asks_for_it(server: ExchangeServer) -> None:
    token = issued(server)
    answer = ask(server, token, headers={"accept": "application/token-introspection+jwt"})
    assert answer.headers["content-type"] == "application/token-introspection+jwt"
    keys = KeySet.import_key_set(server.http.get("/oauth/jwks").json())
    decoded = jwt.decode(answer.text, keys, algorithms=["ES256"])
    assert decoded.header["typ"] == "token-introspection+jwt"
    assert decoded.claims["aud"] == "ledger-gateway"
    assert decoded.claims["iss"] == server.url
    assert abs(decoded.claims["iat"] - time.time()) < 60
    assert not {"sub", "exp"} & decoded.claims.keys()
    assert decoded.claims["token_introspection"]["jti"] == claims_of(token)["jti"]


@rule(81, "RFC 9701", "5")
def test_a_signed_answer_is_no_access_token(server: ExchangeServer) -> None:
    signed = ask(server, issued(server), headers={"accept": "application/token-introspection+jwt"}).text
    assert ask(server, signed).json() == {"active": False}


def test_an_active_answer_to_a_client_with_a_secret_leaves_no_event(server: ExchangeServer) -> None:
    answer = ask(server, issued(server))
    query = "SELECT count(*) FROM audit_event WHERE correlation_id = %s"
    assert server.rows(query, answer.headers["x-correlation-id"]) == [(0,)]


@rule(59, "RFC 7523", "3")
def test_an_assertion_is_spent_by_a_question_too(server: ExchangeServer) -> None:
    form = {
        "token": issued(server),
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": server.world.backend.assertion(server.url),
    }
    first = server.http.post("/oauth/introspect", data=form)
    assert first.json()["active"] is True
    assert server.event(first)["kind"] == "token.introspected"
    assert server.http.post("/oauth/introspect", data=form).status_code == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_question_is_a_post(server: ExchangeServer, method: str) -> None:
    assert server.http.request(method, "/oauth/introspect").status_code == 405


def test_a_question_without_a_token_is_an_invalid_request(server: ExchangeServer) -> None:
    answer = server.http.post("/oauth/introspect", data={}, auth=("ledger-gateway", server.world.secret))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
