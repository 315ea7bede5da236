"""DPoP nonces and clients that are held to proofs, end to end: RFC 9449 sections 5.2, 8 and 8.2."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from exchange import nonces
from policy.reasons import Reason
from tests.bound_clients import Bound, bound
from tests.conformance.rules import rule
from tests.exchange_server import beside
from tests.oracle import granted, refused
from tests.signers import encode, make_key, public_jwk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services import Services

HOLDER = make_key("ES256")
NOW = datetime(2031, 5, 4, 12, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def held(services: Services, django_db_blocker: Any) -> Iterator[Bound]:
    with bound(services, django_db_blocker) as running:
        yield running


@pytest.fixture(scope="module")
def strict(services: Services, django_db_blocker: Any) -> Iterator[Bound]:
    """An installation that demands nonces of everybody."""
    with bound(services, django_db_blocker, HANDOVER_DPOP_NONCES="1") as running:
        yield running


def proof(running: Bound, **changes: Any) -> str:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(HOLDER)}
    claims = {"jti": str(uuid4()), "htm": "POST", "htu": running.server.world.token_endpoint, "iat": int(time.time())}
    return encode(header, {name: value for name, value in (claims | changes).items() if value is not None}, HOLDER)


def nonce(running: Bound, client_id: str = "by-secret-nonce") -> str:
    return str(running.with_secret(client_id, dpop=proof(running)).headers["dpop-nonce"])


@rule(104, "RFC 9449", "5.2")
def test_a_client_held_to_proofs_gets_nothing_without_one(held: Bound) -> None:
    response = held.with_secret("by-secret-proof")
    refused(held.server, response, "invalid_dpop_proof", Reason.PROOF_MISSING)
    answer = granted(held.server, held.with_secret("by-secret-proof", dpop=proof(held)))
    assert answer.body["token_type"] == "DPoP"
    assert answer.claims["cnf"].keys() == {"jkt"}


@rule(100, "RFC 9449", "8")
def test_a_proof_without_a_nonce_is_told_which_one_to_use(held: Bound) -> None:
    first = held.with_secret("by-secret-nonce", dpop=proof(held))
    refused(held.server, first, "use_dpop_nonce", Reason.NONCE_MISSING)
    second = held.with_secret("by-secret-nonce", dpop=proof(held, nonce=first.headers["dpop-nonce"]))
    assert granted(held.server, second).body["token_type"] == "DPoP"


@rule(100, "RFC 9449", "8")
@rule(101, "RFC 9449", "8.2")
def test_every_answer_to_a_proof_brings_a_nonce_that_works(held: Bound) -> None:
    good = held.with_secret("by-secret-nonce", dpop=proof(held, nonce=nonce(held)))
    bad = held.with_secret("by-secret-nonce", dpop=proof(held, nonce=nonce(held)), form={"audience": "unknown"})
    broken = held.with_secret("by-secret-nonce", dpop="broken")
    assert [good.status_code, bad.status_code, broken.status_code] == [200, 400, 400]
    for response in (good, bad, broken):
        again = held.with_secret("by-secret-nonce", dpop=proof(held, nonce=response.headers["dpop-nonce"]))
        granted(held.server, again)


@rule(101, "RFC 9449", "8.2")
@pytest.mark.parametrize("wrong", ["", "guess", 7, ["a"], {"a": 1}, True], ids=repr)
def test_a_nonce_that_is_not_ours_is_no_nonce(held: Bound, wrong: Any) -> None:
    response = held.with_secret("by-secret-nonce", dpop=proof(held, nonce=wrong))
    refused(held.server, response, "use_dpop_nonce", Reason.NONCE_MISSING)


@rule(98, "RFC 9449", "11.1")
def test_a_fresh_nonce_proves_the_time_whatever_the_callers_clock_says(held: Bound) -> None:
    for wrong in (-3600, 3600):
        iat = int(time.time()) + wrong
        granted(held.server, held.with_secret("by-secret-nonce", dpop=proof(held, nonce=nonce(held), iat=iat)))
        response = held.with_secret("by-secret-proof", dpop=proof(held, nonce=nonce(held), iat=iat))
        refused(held.server, response, "invalid_dpop_proof", Reason.PROOF_INVALID)
    response = held.with_secret("by-secret-nonce", dpop=proof(held, nonce=nonce(held), iat=1_000_000_000))
    refused(held.server, response, "invalid_dpop_proof", Reason.PROOF_INVALID)


@rule(99, "RFC 9449", "11.1")
def test_a_proof_with_a_nonce_is_good_once_too(held: Bound) -> None:
    once = proof(held, nonce=nonce(held))
    granted(held.server, held.with_secret("by-secret-nonce", dpop=once))
    refused(held.server, held.with_secret("by-secret-nonce", dpop=once), "invalid_dpop_proof", Reason.PROOF_REPLAYED)


@rule(105, "RFC 9449", "4.2")
def test_where_none_is_demanded_none_is_offered_and_one_is_ignored(held: Bound) -> None:
    response = held.with_secret("by-secret-proof", dpop=proof(held, nonce="of another server"))
    granted(held.server, response)
    assert "dpop-nonce" not in response.headers
    assert "dpop-nonce" not in held.with_secret("by-secret-nonce").headers


@rule(101, "RFC 9449", "8.2")
def test_another_process_accepts_the_nonce_of_this_one(held: Bound) -> None:
    mine = nonce(held)
    with beside(held.server) as port:
        url = f"http://127.0.0.1:{port}/oauth/token"
        auth = ("by-secret-nonce", held.server.world.secret)
        fields = {"dpop": proof(held, nonce=mine)}
        granted(held.server, held.proxy.post(url, data=held.server.form(), auth=auth, headers=fields))


@rule(100, "RFC 9449", "8")
def test_an_installation_can_demand_nonces_of_everybody(strict: Bound) -> None:
    response = strict.with_secret("kestrel-batch", dpop=proof(strict))
    refused(strict.server, response, "use_dpop_nonce", Reason.NONCE_MISSING)
    granted(strict.server, strict.with_secret("kestrel-batch", dpop=proof(strict, nonce=nonce(strict))))
    granted(strict.server, strict.with_secret("kestrel-batch"))


@rule(101, "RFC 9449", "8.2")
def test_the_present_and_the_two_minutes_before_are_good_and_no_other() -> None:
    ages = {minutes: nonces.fresh(NOW - timedelta(minutes=minutes)) for minutes in range(-2, 5)}
    assert len(set(ages.values())) == len(ages)
    assert nonces.accepted(NOW) == {ages[0], ages[1], ages[2]}


@rule(101, "RFC 9449", "8.2")
def test_a_nonce_is_made_with_a_key_and_survives_its_replacement(settings: Any) -> None:
    before, config = nonces.fresh(NOW), settings.HANDOVER
    other = replace(config.kek, id="other", secret=bytes(32))
    settings.HANDOVER = replace(config, keks=(other, *config.keks))
    assert nonces.fresh(NOW) != before
    assert {before, nonces.fresh(NOW)} <= nonces.accepted(NOW)
    settings.HANDOVER = replace(config, keks=(other,))
    assert before not in nonces.accepted(NOW)
