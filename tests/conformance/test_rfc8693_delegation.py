"""Who acts for whom, end to end: RFC 8693 sections 1.1, 4.1 and 4.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.oracle import Grant, granted, refused
from tests.world import JWT, REPORTS

if TYPE_CHECKING:
    import httpx

    from tests.exchange_server import ExchangeServer
    from tests.signers import Signer


def delegate(server: ExchangeServer, actor: Signer | None = None, sub: str = "heron-gateway", **claims: Any) -> Any:
    """Heron's gateway exchanges a token of ``people`` with these claims; the actor's token is its own by default."""
    people = server.world.heron.people
    changes: dict[str, Any] = {"subject_token": people.subject_token(server.url, **claims)}
    if sub:
        signer = actor or server.world.heron.services
        changes |= {"actor_token": signer.subject_token(server.url, sub=sub), "actor_token_type": JWT}
    return server.exchange(auth=("heron-gateway", server.world.secret), **changes)


def impersonate(server: ExchangeServer, **claims: Any) -> httpx.Response:
    """The gateway exchanges a token of an issuer whose mapping allows impersonation, without an actor token."""
    token = server.world.heron.services.subject_token(server.url, **claims)
    return server.exchange(auth=("heron-gateway", server.world.secret), subject_token=token)


def chain(*subjects: str) -> dict[str, Any]:
    """An act claim, newest actor first."""
    first, *rest = subjects
    return {"sub": first} | ({"act": chain(*rest)} if rest else {})


@rule(36, "RFC 8693", "1.1")
def test_impersonation_is_refused_unless_the_mapping_allows_it(server: ExchangeServer) -> None:
    refused(server, delegate(server, sub=""), "invalid_request", Reason.ACTOR_REQUIRED)
    refused(server, server.exchange(audience=REPORTS), "invalid_request", Reason.ACTOR_REQUIRED)


@rule(36, "RFC 8693", "1.1")
def test_where_it_is_allowed_the_new_token_names_no_actor(server: ExchangeServer) -> None:
    answer = granted(server, impersonate(server))
    assert "act" not in answer.claims
    assert answer.claims["sub"] == "partner:heron:user-1"


@rule(37, "RFC 8693", "4.1")
def test_with_an_actor_token_the_subject_stays_and_act_says_who_acts(server: ExchangeServer) -> None:
    answer = granted(server, delegate(server))
    assert answer.claims["sub"] == "partner:heron:user-1"
    assert answer.claims["act"] == {
        "sub": "heron-gateway",
        "iss": "https://services.heron.example",
        "client_id": "heron-gateway",
    }


@rule(38, "RFC 8693", "4.1")
@pytest.mark.parametrize("member", ["exp", "nbf", "iat", "aud", "jti"])
def test_an_act_that_says_more_than_who_is_refused(server: ExchangeServer, member: str) -> None:
    response = delegate(server, act={"sub": "a", member: 4102444800})
    refused(server, response, "invalid_request", Reason.CHAIN_REFUSED)


@rule(38, "RFC 8693", "4.1")
@pytest.mark.parametrize("act", ["a", ["a"], {}, {"iss": "x"}, {"sub": 1}, {"sub": "a", "act": "b"}, True])
def test_an_act_that_is_no_chain_is_refused(server: ExchangeServer, act: Any) -> None:
    refused(server, delegate(server, act=act), "invalid_request", Reason.CHAIN_REFUSED)


@rule(39, "RFC 8693", "4.1")
@rule(40, "RFC 8693", "4.1")
def test_the_chain_before_is_inside_the_new_actor_unchanged(server: ExchangeServer) -> None:
    before = {"sub": "old", "iss": "https://x.example", "act": {"sub": "older", "email": "o@example"}}
    answer = granted(server, delegate(server, act=before))
    assert answer.claims["act"]["sub"] == "heron-gateway"
    assert answer.claims["act"]["act"] == before


@rule(42, "RFC 8693", "4.4")
def test_leaving_the_actor_token_out_keeps_the_chain(server: ExchangeServer) -> None:
    assert granted(server, impersonate(server, act=chain("old"))).claims["act"] == chain("old")


@rule(41, "RFC 8693", "4.4")
@pytest.mark.parametrize(
    "may_act",
    [
        {"sub": "heron-gateway"},
        {"sub": "heron-gateway", "iss": "https://services.heron.example"},
        {"sub": "heron-gateway", "client_id": "heron-gateway"},
    ],
)
def test_the_actor_that_may_act_names_acts(server: ExchangeServer, may_act: dict[str, str]) -> None:
    answer: Grant = granted(server, delegate(server, may_act=may_act))
    assert answer.claims["act"]["sub"] == "heron-gateway"
    assert "may_act" not in answer.claims


@rule(41, "RFC 8693", "4.4")
@rule(53, "RFC 8693", "2.2.2")
@pytest.mark.parametrize(
    "may_act",
    [
        {"sub": "other"},
        {"sub": "heron-gateway", "iss": "https://other.example"},
        {"sub": "heron-gateway", "client_id": "other"},
        {"client_id": "heron-gateway"},
        {},
        "heron-gateway",
        False,
    ],
)
def test_another_actor_than_may_act_names_is_refused(server: ExchangeServer, may_act: Any) -> None:
    refused(server, delegate(server, may_act=may_act), "invalid_request", Reason.ACTOR_NOT_NAMED)


@rule(42, "RFC 8693", "4.4")
def test_leaving_the_actor_token_out_is_no_way_round_may_act(server: ExchangeServer) -> None:
    named = impersonate(server, may_act={"sub": "somebody-else"})
    refused(server, named, "invalid_request", Reason.ACTOR_NOT_NAMED)
    granted(server, impersonate(server, may_act={"sub": "heron-gateway"}))


@rule(43, "RFC 8693", "4.4")
def test_may_act_beside_act_is_refused_where_the_trust_does_not_allow_it(server: ExchangeServer) -> None:
    response = delegate(server, may_act={"sub": "heron-gateway"}, act=chain("old"))
    refused(server, response, "invalid_request", Reason.CHAIN_REFUSED)


@rule(44, "RFC 8693", "4.4")
def test_an_issued_token_never_says_who_may_act_next(server: ExchangeServer) -> None:
    assert "may_act" not in granted(server, impersonate(server, may_act={"sub": "heron-gateway"})).claims


@rule(45, "RFC 8693", "4.4")
def test_a_borrowed_actor_token_is_refused_unless_its_trust_lends_it(server: ExchangeServer) -> None:
    refused(server, delegate(server, sub="heron-legacy"), "invalid_request", Reason.ACTOR_FOREIGN)
    answer = granted(server, delegate(server, server.world.heron.robots, sub="robot-7"))
    assert answer.claims["act"]["sub"] == "robot-7"


@rule(46, "RFC 8693", "4.1")
def test_a_chain_grows_to_the_limit_and_no_further(server: ExchangeServer) -> None:
    answer = granted(server, delegate(server, act=chain("1", "2", "3")))
    assert answer.claims["act"]["act"] == chain("1", "2", "3")
    refused(server, delegate(server, act=chain("1", "2", "3", "4")), "invalid_request", Reason.CHAIN_TOO_DEEP)
    refused(server, impersonate(server, act=chain("1", "2")), "invalid_request", Reason.CHAIN_TOO_DEEP)


@rule(46, "RFC 8693", "4.1")
def test_nobody_is_in_a_chain_twice(server: ExchangeServer) -> None:
    mine = {"sub": "heron-gateway", "iss": "https://services.heron.example"}
    refused(server, delegate(server, act={"sub": "b", "act": mine}), "invalid_request", Reason.CHAIN_LOOP)
    refused(server, delegate(server, act=chain("a", "b", "a")), "invalid_request", Reason.CHAIN_LOOP)


@rule(47, "RFC 8693", "4.1")
def test_an_actor_whose_token_has_ended_does_not_act(server: ExchangeServer) -> None:
    import time  # noqa: PLC0415

    services, now = server.world.heron.services, int(time.time())
    old = services.subject_token(server.url, sub="heron-gateway", iat=now - 600, exp=now - 300)
    response = server.exchange(
        auth=("heron-gateway", server.world.secret),
        subject_token=services.subject_token(server.url),
        actor_token=old,
        actor_token_type=JWT,
    )
    event = refused(server, response, "invalid_request", Reason.TOKEN_EXPIRED)
    assert event["data"]["steps"][-1][0] == "actor_token"


@rule(115, "own rule")
def test_an_act_nested_beyond_all_measure_is_refused_before_it_is_read(server: ExchangeServer) -> None:
    response = impersonate(server, act=chain(*map(str, range(20))))
    refused(server, response, "invalid_request", Reason.TOKEN_MALFORMED)
