"""Attempts to leave with more than one may have: scope, target, chain, time (A17, A18, A23)."""

from __future__ import annotations

import time
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from policy.reasons import Reason
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.oracle import granted, refused
from tests.world import JWT, LEDGER, REPORTS

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer

CATALOGUE = ("ledger.read", "ledger.write", "ledger.admin")
THEIRS: dict[str, frozenset[str]] = {
    "settle:write reports:read": frozenset({"ledger.read", "ledger.write"}),
    "settle:write": frozenset({"ledger.read", "ledger.write"}),
    "reports:read": frozenset({"ledger.read"}),
    "ledger.admin ledger.write": frozenset({"ledger.read"}),
    "SETTLE:WRITE": frozenset({"ledger.read"}),
    "settle:write:all": frozenset({"ledger.read"}),
}
ASKED = [" ".join(chosen) for size in (1, 2, 3) for chosen in combinations(CATALOGUE, size)]


@rule(149, "RFC 9700", "2.3")
@attack("A17")
@rule(49, "RFC 8693", "2.1")
@pytest.mark.parametrize("theirs", THEIRS)
@pytest.mark.parametrize("asked", ASKED)
def test_a17_nothing_is_granted_beyond_what_token_mapping_and_client_share(
    server: ExchangeServer, theirs: str, asked: str
) -> None:
    shared = THEIRS[theirs] & set(asked.split(" "))
    token = server.world.idp.subject_token(server.url, scope=theirs)
    response = server.exchange(subject_token=token, scope=asked)
    if shared:
        answer = granted(server, response)
        assert set(answer.body["scope"].split(" ")) == set(answer.claims["scope"].split(" ")) == shared
    else:
        refused(server, response, "invalid_scope", Reason.SCOPE_NOT_GRANTED)


@attack("A17")
@rule(49, "RFC 8693", "2.1")
@pytest.mark.parametrize("claim", ["scp", "roles", "permissions", "ledger.write", "authorities"])
def test_a17_rights_are_read_from_the_scope_claim_only(server: ExchangeServer, claim: str) -> None:
    given: dict[str, Any] = {claim: ["settle:write"]}
    token = server.world.idp.subject_token(server.url, scope="", **given)
    refused(
        server,
        server.exchange(subject_token=token, scope="ledger.write"),
        "invalid_scope",
        Reason.SCOPE_NOT_GRANTED,
    )


@attack("A18")
@rule(22, "RFC 8693", "2.1.1")
@rule(67, "RFC 8707", "2")
@pytest.mark.parametrize(
    ("targets", "reason"),
    [
        ([LEDGER, "https://unknown.example"], Reason.TARGET_UNKNOWN),
        ([LEDGER, LEDGER, "x"], Reason.TARGET_UNKNOWN),
        ([LEDGER, REPORTS], Reason.ACTOR_REQUIRED),
        ([REPORTS, LEDGER], Reason.ACTOR_REQUIRED),
        ([f"{LEDGER}/v1/more"], Reason.TARGET_UNKNOWN),
        ([f"{LEDGER}.evil.example"], Reason.TARGET_UNKNOWN),
        ([f"{LEDGER}\u200b"], Reason.TARGET_UNKNOWN),
        (["https://LEDGER.meridian.example"], Reason.TARGET_UNKNOWN),
        (["*"], Reason.TARGET_UNKNOWN),
    ],
    ids=["one unknown", "twice and one unknown", "a stricter one second", "a stricter one first", "more of the path",
         "a longer name", "an invisible letter", "capitals", "a star"],
)  # fmt: skip
def test_a18_targets_are_all_served_or_none_is(server: ExchangeServer, targets: list[str], reason: Reason) -> None:
    error = "invalid_request" if reason is Reason.ACTOR_REQUIRED else "invalid_target"
    refused(server, server.exchange(audience=targets), error, reason)


def chain(depth: int) -> dict[str, Any]:
    return {"sub": f"actor-{depth}"} | ({"act": chain(depth - 1)} if depth > 1 else {})


def delegated(server: ExchangeServer, **claims: Any) -> Any:
    heron = server.world.heron
    return server.exchange(
        auth=("heron-gateway", server.world.secret),
        subject_token=heron.people.subject_token(server.url, **claims),
        actor_token=heron.services.subject_token(server.url, sub="heron-gateway"),
        actor_token_type=JWT,
    )


@attack("A23")
@rule(46, "RFC 8693", "4.1")
@pytest.mark.parametrize("depth", range(1, 13))
def test_a23_a_chain_stops_at_four(server: ExchangeServer, depth: int) -> None:
    response = delegated(server, act=chain(depth))
    if depth < 4:
        assert granted(server, response).claims["act"]["act"] == chain(depth)
    else:
        refused(server, response, "invalid_request", Reason.CHAIN_TOO_DEEP)


@attack("A23")
@rule(46, "RFC 8693", "4.1")
@pytest.mark.parametrize("issuer", [None, "https://people.heron.example"], ids=["unnamed", "named"])
def test_a23_a_to_b_to_a_is_refused_however_the_issuer_is_written(server: ExchangeServer, issuer: str | None) -> None:
    first = {"sub": "a", "iss": "https://people.heron.example"}
    again = {"sub": "a"} | ({"iss": issuer} if issuer else {})
    response = delegated(server, act=first | {"act": {"sub": "b", "act": again}})
    refused(server, response, "invalid_request", Reason.CHAIN_LOOP)


@attack("A23")
@rule(34, "RFC 8693", "2.1")
@pytest.mark.parametrize("left", [2, 31, 299, 1800])
def test_a23_a_child_never_outlives_its_parent(server: ExchangeServer, left: int) -> None:
    ends = int(time.time()) + left
    claims = granted(server, delegated(server, exp=ends)).claims
    assert claims["exp"] <= ends
    assert claims["exp"] - claims["iat"] <= 300
