"""DPoP at the token endpoint, end to end: RFC 9449 sections 4, 5 and 6. The grammar of proofs is in tests/protocol."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from joserfc.jwk import JWKRegistry

from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.oracle import granted, refused
from tests.signers import encode, make_key, public_jwk

if TYPE_CHECKING:
    import httpx

    from tests.exchange_server import ExchangeServer
    from tests.signers import Key

HOLDER = make_key("ES256")
OTHER = make_key("ES256")


def thumbprint(key: Key) -> str:
    return str(JWKRegistry.import_key(public_jwk(key)).thumbprint())


def proof(server: ExchangeServer, key: Key = HOLDER, **changes: Any) -> str:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(key)}
    claims = {"jti": str(uuid4()), "htm": "POST", "htu": server.world.token_endpoint, "iat": int(time.time())}
    return encode(header, claims | changes, key)


def exchange(server: ExchangeServer, *proofs: str, **changes: Any) -> httpx.Response:
    form = {name: value for name, value in server.form(**changes).items() if value is not None}
    return server.http.post("/oauth/token", data=form, auth=server.basic, headers=[("dpop", text) for text in proofs])


@rule(102, "RFC 9449", "5")
@rule(102, "RFC 9449", "6")
@rule(51, "RFC 8693", "2.2.1")
def test_a_proof_binds_the_new_token_to_its_key(server: ExchangeServer) -> None:
    answer = granted(server, exchange(server, proof(server)))
    assert answer.body["token_type"] == "DPoP"
    assert answer.claims["cnf"] == {"jkt": thumbprint(HOLDER)}


@rule(102, "RFC 9449", "6")
@rule(32, "RFC 8693", "2.1")
def test_a_bound_token_is_good_beside_a_proof_of_its_key_only(server: ExchangeServer) -> None:
    token = server.world.idp.subject_token(server.url, cnf={"jkt": thumbprint(HOLDER)})
    answer = granted(server, exchange(server, proof(server), subject_token=token))
    assert answer.claims["cnf"] == {"jkt": thumbprint(HOLDER)}
    response = exchange(server, proof(server, OTHER), subject_token=token)
    refused(server, response, "invalid_request", Reason.SENDER_CONSTRAINED)
    refused(server, exchange(server, subject_token=token), "invalid_request", Reason.SENDER_CONSTRAINED)


@rule(32, "RFC 8693", "2.1")
def test_a_token_bound_in_two_ways_needs_more_than_one_proof_can_give(server: ExchangeServer) -> None:
    both = {"jkt": thumbprint(HOLDER), "x5t#S256": "abc"}
    response = exchange(server, proof(server), subject_token=server.world.idp.subject_token(server.url, cnf=both))
    refused(server, response, "invalid_request", Reason.SENDER_CONSTRAINED)


@rule(99, "RFC 9449", "11.1")
def test_a_proof_is_good_once(server: ExchangeServer) -> None:
    once = proof(server)
    granted(server, exchange(server, once))
    refused(server, exchange(server, once), "invalid_dpop_proof", Reason.PROOF_REPLAYED)


@rule(99, "RFC 9449", "11.1")
def test_a_proof_is_used_up_by_a_refused_request_and_its_jti_is_of_its_key(server: ExchangeServer) -> None:
    once = proof(server, jti="shared")
    refused(server, exchange(server, once, audience="unknown"), "invalid_target", Reason.TARGET_UNKNOWN)
    refused(server, exchange(server, once), "invalid_dpop_proof", Reason.PROOF_REPLAYED)
    granted(server, exchange(server, proof(server, OTHER, jti="shared")))


@rule(95, "RFC 9449", "4.3")
@rule(100, "RFC 9449", "5")
def test_two_proofs_are_refused(server: ExchangeServer) -> None:
    response = exchange(server, proof(server), proof(server))
    refused(server, response, "invalid_dpop_proof", Reason.PROOF_INVALID)


@rule(97, "RFC 9449", "4.3")
@rule(98, "RFC 9449", "11.1")
@rule(100, "RFC 9449", "5")
@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "GET"},
        {"htu": "https://other.example/oauth/token"},
        {"iat": 1_000_000_000},
        {"iat": 4_000_000_000},
        {"jti": ""},
        {"iat": "now"},
    ],
    ids=str,
)
def test_a_proof_for_something_else_is_refused(server: ExchangeServer, changes: dict[str, Any]) -> None:
    response = exchange(server, proof(server, **changes))
    refused(server, response, "invalid_dpop_proof", Reason.PROOF_INVALID)


@rule(97, "RFC 9449", "4.3")
def test_the_address_in_a_proof_is_compared_with_ours_and_not_with_the_callers_host(server: ExchangeServer) -> None:
    form, headers = (
        server.form(),
        {"host": "evil.example", "dpop": proof(server, htu="http://evil.example/oauth/token")},
    )
    response = server.http.post("/oauth/token", data=form, auth=server.basic, headers=headers)
    refused(server, response, "invalid_dpop_proof", Reason.PROOF_INVALID)
    headers["dpop"] = proof(server)
    granted(server, server.http.post("/oauth/token", data=form, auth=server.basic, headers=headers))


@rule(96, "RFC 9449", "4.2")
def test_a_proof_of_somebody_elses_public_key_is_refused(server: ExchangeServer) -> None:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(HOLDER)}
    claims = {"jti": "x", "htm": "POST", "htu": server.world.token_endpoint, "iat": int(time.time())}
    response = exchange(server, encode(header, claims, OTHER))
    refused(server, response, "invalid_dpop_proof", Reason.PROOF_INVALID)


@rule(102, "RFC 9449", "5")
def test_the_client_is_authenticated_before_a_proof_is_looked_at(server: ExchangeServer) -> None:
    headers = {"dpop": "broken"}
    response = server.http.post("/oauth/token", data=server.form(), headers=headers)
    refused(server, response, "invalid_client", Reason.CREDENTIALS_MISSING)
