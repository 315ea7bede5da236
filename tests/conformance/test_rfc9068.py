"""The token we issue, read by a library that is not ours: RFC 9068 sections 2, 3 and 5; RFC 8707 section 2."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt
import pytest
from joserfc.jwk import ECKey, RSAKey

from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.heron import ALGORITHMS
from tests.oracle import granted, refused
from tests.world import ID_TOKEN, LEDGER

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer


@rule(68, "RFC 9068", "3")
@rule(67, "RFC 8707", "2")
@pytest.mark.parametrize(
    "changes",
    [{}, {"audience": [LEDGER, LEDGER]}, {"resource": f"{LEDGER}/v1"}, {"audience": None, "resource": f"{LEDGER}/v1"}],
    ids=["an audience", "an audience twice", "an audience and its resource", "a resource"],
)
def test_one_target_gives_one_audience(server: ExchangeServer, changes: dict[str, Any]) -> None:
    answer = granted(server, server.exchange(**changes))
    assert answer.claims["aud"] == LEDGER
    jwt.decode(answer.body["access_token"], options={"verify_signature": False, "verify_aud": True}, audience=LEDGER)


@rule(69, "RFC 9068", "2.1")
@rule(111, "RFC 8725", "3.11")
def test_the_header_says_type_algorithm_and_key_and_nothing_else(server: ExchangeServer) -> None:
    header = granted(server, server.exchange()).header
    kids = {key["kid"] for key in server.http.get("/oauth/jwks").json()["keys"]}
    assert (header["typ"], header["alg"], header["kid"] in kids) == ("at+jwt", "ES256", True)
    assert header.keys() == {"typ", "alg", "kid"}


@rule(69, "RFC 9068", "4")
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_tokens_of_every_listed_algorithm_are_verified(server: ExchangeServer, alg: str) -> None:
    heron = server.world.heron
    signer = type(heron.many)(heron.many.issuer, heron.keys[alg])
    header = {"alg": alg}
    token = signer.subject_token(server.url, header=header)
    answer = granted(server, server.exchange(auth=("heron-gateway", server.world.secret), subject_token=token))
    assert answer.event["data"]["subject"]["alg"] == alg


@rule(70, "RFC 9068", "2.2")
@rule(70, "RFC 9068", "2.2.3")
def test_the_required_claims_are_there_and_true(server: ExchangeServer) -> None:
    claims = granted(server, server.exchange(scope="ledger.read")).claims
    assert claims["iss"] == server.url
    assert claims["sub"] == "partner:kestrel:user-1"
    assert claims["client_id"] == "kestrel-backend"
    assert claims["scope"] == "ledger.read"
    assert claims["iat"] <= time.time() + 5 < claims["exp"]
    assert str(UUID(claims["jti"])) == claims["jti"]


@rule(70, "RFC 9068", "2.2")
def test_no_two_tokens_share_an_identifier(server: ExchangeServer) -> None:
    token = server.world.idp.subject_token(server.url)
    answers = [granted(server, server.exchange(subject_token=token)).claims for _ in range(5)]
    assert len({claims["jti"] for claims in answers}) == 5
    assert len({claims["txn"] for claims in answers}) == 5


@rule(72, "RFC 9068", "5")
def test_the_same_subject_of_two_partners_and_a_client_are_three_subjects(server: ExchangeServer) -> None:
    kestrel = granted(server, server.exchange(subject_token=server.world.idp.subject_token(server.url, sub="same")))
    other = server.world.other_idp.subject_token(server.url, sub="same")
    fjord = granted(server, server.exchange(auth=("fjord-backend", server.world.secret), subject_token=other))
    client = server.world.idp.subject_token(server.url, sub="kestrel-backend")
    named_like_one = granted(server, server.exchange(subject_token=client))
    assert kestrel.claims["sub"] == "partner:kestrel:same"
    assert fjord.claims["sub"] == "partner:fjord:same"
    assert named_like_one.claims["sub"] == "partner:kestrel:kestrel-backend"


@rule(72, "RFC 9068", "5")
def test_a_subject_cannot_spell_itself_into_another_partner(server: ExchangeServer) -> None:
    sneaky = server.world.idp.subject_token(server.url, sub="x:partner:fjord:same")
    subject = granted(server, server.exchange(subject_token=sneaky)).claims["sub"]
    assert subject == "partner:kestrel:x:partner:fjord:same"


@rule(74, "RFC 9068", "2.2")
@rule(74, "RFC 7519", "2")
def test_instants_are_whole_numbers(server: ExchangeServer) -> None:
    fraction = server.world.idp.subject_token(server.url, exp=time.time() + 60.5, iat=time.time() - 0.5)
    claims = granted(server, server.exchange(subject_token=fraction)).claims
    assert [type(claims[name]) for name in ("exp", "iat")] == [int, int]


@rule(111, "RFC 8725", "3.12")
def test_our_own_token_is_no_assertion_no_proof_and_no_id_token(server: ExchangeServer) -> None:
    ours = granted(server, server.exchange()).body["access_token"]
    refused(server, server.exchange(client_assertion=ours), "invalid_client", Reason.CLIENT_UNKNOWN)
    declared = server.exchange(subject_token=ours, subject_token_type=ID_TOKEN)
    refused(server, declared, "invalid_request", Reason.TYPE_MISMATCH)
    form = server.form()
    response = server.post(form, auth=server.basic, headers={"dpop": ours})
    refused(server, response, "invalid_dpop_proof", Reason.PROOF_INVALID)


@rule(109, "RFC 8725", "3.5")
def test_our_own_keys_are_of_a_strength_we_would_take(server: ExchangeServer) -> None:
    for key in server.http.get("/oauth/jwks").json()["keys"]:
        assert key["kty"] in {"EC", "RSA"}
        if key["kty"] == "EC":
            assert ECKey.import_key(key).curve_name in {"P-256", "P-384", "P-521"}
        else:
            assert RSAKey.import_key(key).public_key.key_size >= 2048
