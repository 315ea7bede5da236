"""Which subject tokens are believed, and what an exchange does to them: RFC 8693 section 2.1."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from policy.reasons import Reason
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.exchange.sites import always, not_found, site
from tests.heron import CLOSED, LOGIN_AUDIENCE
from tests.oracle import granted, refused
from tests.signers import Signer
from tests.world import ACCESS_TOKEN, ID_TOKEN, JWT

if TYPE_CHECKING:
    import httpx

    from tests.exchange_server import ExchangeServer


def heron(server: ExchangeServer, token: str, **changes: Any) -> httpx.Response:
    return server.exchange(auth=("heron-gateway", server.world.secret), subject_token=token, **changes)


KINDS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "an at+jwt": (ACCESS_TOKEN, {"typ": "at+jwt"}, {}),
    "an access token of no type": (ACCESS_TOKEN, {"typ": None}, {}),
    "an access token that says Bearer": (ACCESS_TOKEN, {"typ": "JWT"}, {"typ": "Bearer"}),
    "a type with its prefix": (ACCESS_TOKEN, {"typ": "application/at+jwt"}, {}),
    "an ID token": (ID_TOKEN, {}, {"aud": "kestrel-backend", "scope": None, "nonce": "n", "azp": "kestrel-backend"}),
    "a plain JWT": (JWT, {}, {}),
}


@attack("A13")
@rule(27, "RFC 8693", "2.1")
@rule(28, "RFC 8693", "2.1")
@pytest.mark.parametrize(("declared", "header", "claims"), KINDS.values(), ids=KINDS.keys())
def test_a_token_is_believed_as_the_kind_it_is(
    server: ExchangeServer, declared: str, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    token = server.world.idp.subject_token(server.url, header=header, **claims)
    answer = granted(server, server.exchange(subject_token=token, subject_token_type=declared))
    assert answer.event["data"]["subject"]["type"] == declared


@rule(28, "RFC 8693", "2.1")
@pytest.mark.parametrize("declared", [ACCESS_TOKEN, JWT])
def test_a_trust_says_which_kinds_it_takes(server: ExchangeServer, declared: str) -> None:
    token = server.world.heron.login.subject_token(LOGIN_AUDIENCE, scope=None)
    granted(server, heron(server, token, subject_token_type=ID_TOKEN))
    response = heron(server, token, subject_token_type=declared)
    refused(server, response, "invalid_request", Reason.TYPE_MISMATCH)


@attack("A11")
@rule(29, "RFC 8693", "2.1")
def test_a_token_of_a_stranger_is_refused_without_a_call_to_anybody(server: ExchangeServer) -> None:
    with site(always(not_found())) as canary:
        stranger = Signer(canary.url)
        pointers = {"jku": f"{canary.url}/jwks", "x5u": f"{canary.url}/cert"}
        for header in ({}, pointers):
            response = server.exchange(subject_token=stranger.subject_token(server.url, header=header))
            refused(server, response, "invalid_request", Reason.ISSUER_UNTRUSTED)
        response = server.exchange(subject_token=server.world.idp.subject_token(server.url, header=pointers))
        refused(server, response, "invalid_request", Reason.HEADER_REFUSED)
        assert canary.connections == 0


@attack("A11")
@rule(29, "RFC 8693", "2.1")
@rule(110, "RFC 8725", "3.8")
def test_an_issuer_that_another_partner_trusts_is_a_stranger_here(server: ExchangeServer) -> None:
    token = server.world.other_idp.subject_token(server.url)
    granted(server, server.exchange(auth=("fjord-backend", server.world.secret), subject_token=token))
    refused(server, server.exchange(subject_token=token), "invalid_request", Reason.ISSUER_UNTRUSTED)


AUDIENCES: dict[str, Any] = {
    "us": "$us",
    "us in a list": ["$us"],
    "the client": "heron-gateway",
    "us and the client": ["$us", "heron-gateway"],
}


@rule(30, "RFC 8693", "2.1")
@pytest.mark.parametrize("audience", AUDIENCES.values(), ids=AUDIENCES.keys())
def test_a_token_for_us_or_for_the_client_is_believed(server: ExchangeServer, audience: Any) -> None:
    for_whom = [name.replace("$us", server.url) for name in ([audience] if isinstance(audience, str) else audience)]
    token = server.world.heron.services.subject_token(for_whom[0] if isinstance(audience, str) else for_whom)
    granted(server, heron(server, token))


@attack("A12")
@rule(30, "RFC 8693", "2.1")
def test_an_id_token_is_believed_for_the_audience_its_trust_lists_and_no_other(server: ExchangeServer) -> None:
    login = server.world.heron.login
    granted(server, heron(server, login.subject_token(LOGIN_AUDIENCE, scope=None), subject_token_type=ID_TOKEN))
    for audience in (server.url, "another-portal", [LOGIN_AUDIENCE, "another-portal"]):
        response = heron(server, login.subject_token(audience, scope=None), subject_token_type=ID_TOKEN)
        refused(server, response, "invalid_request", Reason.AUDIENCE_MISMATCH)


@rule(32, "RFC 8693", "2.1")
def test_a_bound_token_without_a_proof_is_refused(server: ExchangeServer) -> None:
    token = server.world.idp.subject_token(server.url, cnf={"jkt": "x"})
    refused(server, server.exchange(subject_token=token), "invalid_request", Reason.SENDER_CONSTRAINED)


@rule(33, "RFC 8693", "2.1")
def test_an_exchange_does_not_use_the_subject_token_up(server: ExchangeServer) -> None:
    token = server.world.idp.subject_token(server.url)
    first, second = (granted(server, server.exchange(subject_token=token)) for _ in range(2))
    assert first.claims["jti"] != second.claims["jti"]


@rule(33, "RFC 8693", "2.1")
@rule(113, "own rule")
def test_a_trust_may_make_tokens_one_time_known_by_issuer_and_jti(server: ExchangeServer) -> None:
    once, other = server.world.heron.once, server.world.heron.other_once
    granted(server, heron(server, once.subject_token(server.url, jti="one")))
    respelt = once.subject_token(server.url, jti="one", scope="other text, same identifier")
    refused(server, heron(server, respelt), "invalid_request", Reason.TOKEN_REPLAYED)
    granted(server, heron(server, other.subject_token(server.url, jti="one")))
    granted(server, heron(server, once.subject_token(server.url, jti="two")))


@rule(33, "RFC 8693", "2.1")
def test_a_refused_request_does_not_use_a_one_time_token_up(server: ExchangeServer) -> None:
    token = server.world.heron.once.subject_token(server.url)
    refused(server, heron(server, token, scope="unknown"), "invalid_scope", Reason.SCOPE_UNKNOWN)
    granted(server, heron(server, token))


@rule(33, "RFC 8693", "2.1")
def test_a_one_time_token_without_an_identifier_is_refused(server: ExchangeServer) -> None:
    token = server.world.heron.once.subject_token(server.url, jti=None)
    refused(server, heron(server, token), "invalid_request", Reason.CLAIM_MALFORMED)


@rule(33, "RFC 8693", "2.1")
def test_of_many_parallel_uses_of_a_one_time_token_one_succeeds(server: ExchangeServer) -> None:
    token = server.world.heron.once.subject_token(server.url)
    with ThreadPoolExecutor(10) as threads:
        statuses = sorted(threads.map(lambda _: heron(server, token).status_code, range(30)))
    assert statuses == [200, *([400] * 29)]


@attack("A23")
@rule(34, "RFC 8693", "2.1")
@pytest.mark.parametrize("left", [20, 60, 3000], ids=["20 s left", "a minute left", "more than we give"])
def test_the_new_token_ends_no_later_than_the_old_one(server: ExchangeServer, left: int) -> None:
    ends = int(time.time()) + left
    answer = granted(server, server.exchange(subject_token=server.world.idp.subject_token(server.url, exp=ends)))
    assert answer.claims["exp"] <= min(ends, answer.claims["iat"] + 300)
    assert 0 < answer.body["expires_in"] == answer.claims["exp"] - answer.claims["iat"] <= left


@rule(34, "RFC 8693", "2.1")
def test_the_new_token_ends_no_later_than_the_actor_token(server: ExchangeServer) -> None:
    services, ends = server.world.heron.services, int(time.time()) + 30
    actor = services.subject_token(server.url, sub="heron-gateway", exp=ends)
    response = heron(server, services.subject_token(server.url), actor_token=actor, actor_token_type=JWT)
    assert granted(server, response).claims["exp"] <= ends


@rule(48, "RFC 8693", "4.1")
def test_the_rules_of_a_trust_and_of_a_mapping_must_all_hold(server: ExchangeServer) -> None:
    strict = server.world.heron.strict
    granted(server, heron(server, strict.subject_token(server.url, team=["red", "blue"])))
    silver = strict.subject_token(server.url, tier="silver", team=["blue"])
    refused(server, heron(server, silver), "invalid_request", Reason.TRUST_RULE_UNMET)
    red = strict.subject_token(server.url, team=["red"])
    refused(server, heron(server, red), "invalid_target", Reason.MAPPING_RULE_UNMET)
    odd = strict.subject_token(server.url, team=7)
    refused(server, heron(server, odd), "invalid_target", Reason.MAPPING_RULE_FAULT)
    faulty = strict.subject_token(server.url, tier=["gold"], team=["blue"])
    refused(server, heron(server, faulty), "invalid_request", Reason.TRUST_RULE_FAULT)


@rule(48, "RFC 8693", "4.1")
@rule(29, "RFC 8693", "2.1")
def test_a_trust_or_a_mapping_that_is_not_in_force_is_as_good_as_none(server: ExchangeServer) -> None:
    of = server.world.heron
    refused(server, heron(server, of.paused.subject_token(server.url)), "invalid_request", Reason.ISSUER_UNTRUSTED)
    refused(server, heron(server, of.drafted.subject_token(server.url)), "invalid_target", Reason.TARGET_NOT_MAPPED)
    token = of.services.subject_token(server.url)
    refused(server, heron(server, token, audience=CLOSED), "invalid_target", Reason.TARGET_UNKNOWN)


def test_keys_that_are_too_old_to_be_believed_are_our_trouble_and_not_the_callers(server: ExchangeServer) -> None:
    response = heron(server, server.world.heron.stale.subject_token(server.url))
    refused(server, response, "temporarily_unavailable", Reason.KEYS_UNAVAILABLE)
    assert int(response.headers["retry-after"]) > 0
