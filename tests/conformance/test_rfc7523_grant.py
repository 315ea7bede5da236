"""The jwt-bearer grant: an assertion of a trusted issuer is itself the grant (RFC 7521 section 4.1, RFC 7523)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt as pyjwt
import pytest

from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.oracle import refused
from tests.world import LEDGER

if TYPE_CHECKING:
    import httpx

    from tests.exchange_server import ExchangeServer

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def grant(
    server: ExchangeServer, assertion: str = "", client: str = "kestrel-grants", **changes: Any
) -> httpx.Response:
    form = {"grant_type": GRANT, "assertion": assertion or made(server), "resource": LEDGER} | changes
    sent = {name: value for name, value in form.items() if value is not None}
    return server.post(sent, auth=(client, server.world.secret))


def made(server: ExchangeServer, **claims: Any) -> str:
    return server.world.idp.subject_token(server.url, **claims)


@rule(64, "RFC 7523", "2.1")
@rule(66, "RFC 7521", "4.1")
def test_an_assertion_for_us_becomes_a_token(server: ExchangeServer) -> None:
    answer = grant(server, scope="ledger.read")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}
    claims = pyjwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["aud"], claims["scope"]) == ("partner:kestrel:user-1", LEDGER, "ledger.read")
    assert server.event(answer)["kind"] == "exchange.granted"


@rule(65, "RFC 7523", "3")
def test_an_assertion_is_good_once(server: ExchangeServer) -> None:
    assertion = made(server)
    assert grant(server, assertion).status_code == 200
    refused(server, grant(server, assertion), "invalid_grant", Reason.TOKEN_REPLAYED)


@rule(65, "RFC 7523", "3")
def test_an_assertion_comes_again_where_its_trust_lets_it(server: ExchangeServer) -> None:
    keeping = server.world.heron.keeping
    for assertion in (keeping.subject_token(server.url), keeping.subject_token(server.url, jti=None)):
        answers = [grant(server, assertion, client="heron-grants") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 200], answers[0].text
        issued = [server.event(answer)["data"]["token"]["jti"] for answer in answers]
        assert len(set(issued)) == 3
    expired = keeping.subject_token(server.url, exp=int(time.time()) - 60)
    refused(server, grant(server, expired, client="heron-grants"), "invalid_grant", Reason.TOKEN_EXPIRED)


@rule(64, "RFC 7521", "4.1")
@rule(64, "RFC 7523", "3.1")
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "kestrel-grants"}, Reason.AUDIENCE_MISMATCH),
        ({"aud": ["https://other.example"]}, Reason.AUDIENCE_MISMATCH),
        ({"exp": 1}, Reason.TOKEN_EXPIRED),
        ({"exp": None}, Reason.CLAIM_MALFORMED),
        ({"jti": None}, Reason.CLAIM_MALFORMED),
        ({"sub": ""}, Reason.CLAIM_MALFORMED),
        ({"iss": "https://stranger.example"}, Reason.ISSUER_UNTRUSTED),
        ({"iat": time.time() + 4000}, Reason.TOKEN_NOT_YET_VALID),
    ],
)
def test_whatever_is_wrong_with_it_is_an_invalid_grant(
    server: ExchangeServer, claims: dict[str, Any], reason: Reason
) -> None:
    refused(server, grant(server, made(server, **claims)), "invalid_grant", reason)


@rule(64, "RFC 7521", "5.2")
@pytest.mark.parametrize("assertion", ["opaque", "a.b.c", "x" * 17_000])
def test_what_is_no_assertion_is_an_invalid_grant(server: ExchangeServer, assertion: str) -> None:
    answer = grant(server, assertion)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@rule(64, "RFC 7523", "2.1")
def test_the_parameter_is_required_and_comes_once(server: ExchangeServer) -> None:
    missing = server.post({"grant_type": GRANT, "resource": LEDGER}, auth=("kestrel-grants", server.world.secret))
    refused(server, missing, "invalid_request", Reason.PARAMETER_MISSING)
    twice = [("grant_type", GRANT), ("assertion", made(server)), ("assertion", made(server)), ("resource", LEDGER)]
    answer = server.post(twice, auth=("kestrel-grants", server.world.secret))
    assert answer.json()["error"] == "invalid_request"


@rule(11, "RFC 6749", "5.2")
def test_a_client_that_is_not_registered_for_it_may_not_use_it(server: ExchangeServer) -> None:
    answer = grant(server, client="kestrel-batch")
    refused(server, answer, "unauthorized_client", Reason.GRANT_TYPE_NOT_ALLOWED)


def test_a_target_and_a_scope_are_refused_in_their_own_words(server: ExchangeServer) -> None:
    refused(server, grant(server, resource="https://nobody.example"), "invalid_target", Reason.TARGET_UNKNOWN)
    refused(server, grant(server, scope="root"), "invalid_scope", Reason.SCOPE_UNKNOWN)
