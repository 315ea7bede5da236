"""Every way ``decide`` says no, one example each, and what its yes says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from policy.claim_rules import Verdict
from policy.delegation import INSTALLATION_MAX_DEPTH
from policy.parties import TokenFormat
from policy.reasons import Reason, Rule
from tests.conformance.rules import rule as cites
from tests.policy.examples import (
    LEDGER,
    REPORTS,
    Asked,
    catalogue,
    granted,
    make_client,
    make_facts,
    make_mapping,
    make_partner,
    make_target,
    make_token,
    make_trust,
    refused,
    with_actor,
)
from tests.policy.refusals import GOLD, PEER, REFUSALS, SILVER

if TYPE_CHECKING:
    from policy.facts import Facts
    from policy.tokens import HypotheticalToken


@pytest.mark.parametrize(("facts", "reason", "at"), REFUSALS.values(), ids=REFUSALS.keys())
def test_it_refuses(facts: Facts[HypotheticalToken], reason: Reason, at: Rule) -> None:
    outcome = refused(facts)
    assert outcome.reason is reason
    assert outcome.steps[-1].rule is at
    assert outcome.steps[-1].verdict in {Verdict.REFUSED, Verdict.FAULT}


def test_every_reason_of_the_decision_has_an_example() -> None:
    assert {reason for _, reason, _ in REFUSALS.values()} == {r for r in Reason if r.startswith("policy.")}


def test_a_fault_shows_as_a_fault_and_a_miss_as_a_refusal() -> None:
    fault = refused(REFUSALS["a rule of the trust that cannot be evaluated"][0])
    miss = refused(REFUSALS["a rule of the trust that the token does not meet"][0])
    assert (fault.steps[-1].verdict, miss.steps[-1].verdict) == (Verdict.FAULT, Verdict.REFUSED)
    assert miss.steps[-1].expected == "tier equals silver"
    assert miss.steps[-1].received == "gold"


def test_the_first_mapping_in_the_partners_order_whose_conditions_hold_is_used() -> None:
    first = make_mapping(name="silver", rules=(SILVER,))
    second = make_mapping(name="gold", rules=(GOLD,), default_scopes=frozenset())
    third = make_mapping(name="rest")
    assert granted(make_facts(mappings=(first, second, third))).mappings == (second,)


def test_a_request_that_names_one_target_twice_gets_it_once() -> None:
    assert granted(make_facts(request=Asked(resource=(f"{LEDGER}/v1",)))).audience == (LEDGER,)


@cites(22, "RFC 8693", "2.1.1")
@pytest.mark.parametrize("wanted", TokenFormat)
def test_targets_that_want_one_format_get_it(wanted: TokenFormat) -> None:
    both = [make_target(name, token_format=wanted) for name in (LEDGER, REPORTS)]
    facts = make_facts(
        request=Asked(audience=(LEDGER, REPORTS)),
        targets=catalogue(*both),
        mappings=tuple(make_mapping(target) for target in both),
    )
    assert granted(facts).token_format is wanted


@cites(22, "RFC 8693", "2.1.1")
def test_targets_of_different_formats_are_named_in_the_refusal() -> None:
    step = refused(REFUSALS["two targets that want tokens of different formats"][0]).steps[-1]
    assert (step.expected, step.received) == ("targets with one token format", "ledger jwt; reports reference")


@cites(24, "RFC 8693", "2.1")
def test_the_default_target_serves_a_request_that_names_none() -> None:
    client = make_client(partner=make_partner(default_target=LEDGER))
    assert granted(make_facts(request=Asked(audience=()), client=client)).audience == (LEDGER,)


@cites(25, "RFC 8693", "2.1")
@pytest.mark.parametrize("default", [frozenset(), frozenset({"read"})], ids=["nothing", "read"])
def test_a_request_without_scope_gets_the_default_and_no_more(default: frozenset[str]) -> None:
    facts = make_facts(mappings=(make_mapping(default_scopes=default),))
    assert granted(facts).scope == default


@cites(49, "RFC 8693", "2.1")
def test_a_default_scope_is_narrowed_like_any_other() -> None:
    facts = make_facts(mappings=(make_mapping(default_scopes=frozenset({"read", "write"})),))
    assert granted(replace(facts, client=make_client(scopes=frozenset({"read"})))).scope == {"read"}


@cites(23, "RFC 8693", "2.1.1")
def test_a_scope_that_one_of_two_targets_does_not_know_is_not_granted() -> None:
    both = make_target(LEDGER, ("read", "write")), make_target(REPORTS, ("read",))
    wide = {"always": frozenset({"read", "write"}), "default_scopes": frozenset()}
    facts = make_facts(
        request=Asked(audience=(LEDGER, REPORTS), scope=frozenset({"read", "write"})),
        targets=catalogue(*both),
        mappings=tuple(make_mapping(target, **wide) for target in both),
    )
    assert granted(facts).scope == {"read"}


@cites(42, "RFC 8693", "4.4")
def test_the_client_may_act_for_itself_where_may_act_names_it() -> None:
    named = make_token(claims={"may_act": {"sub": "gateway", "client_id": "gateway"}})
    assert granted(make_facts(subject=named)).act is None


@cites(37, "RFC 8693", "4.1")
def test_the_actor_is_described_by_subject_issuer_and_client() -> None:
    outcome = granted(with_actor(make_token("gateway", issuer="https://actors.example")))
    assert outcome.act == {"sub": "gateway", "iss": "https://actors.example", "client_id": "gateway"}
    assert outcome.subject == "partner:kestrel:user-1"


@cites(42, "RFC 8693", "4.4")
def test_a_chain_survives_an_exchange_without_an_actor_token() -> None:
    chain = {"sub": "x", "act": {"sub": "y"}}
    assert granted(make_facts(subject=make_token(claims={"act": chain}))).act == chain


@cites(43, "RFC 8693", "4.4")
def test_a_trust_may_allow_may_act_beside_act() -> None:
    token = make_token(claims={"may_act": {"sub": "gateway"}, "act": {"sub": "x"}})
    assert granted(make_facts(subject=token, trust=make_trust(allows_foreign_chain=True))).act == {"sub": "x"}


@cites(45, "RFC 8693", "4.4")
@pytest.mark.parametrize("claim", ["client_id", "azp"])
def test_an_actor_token_issued_to_the_client_is_its_own(claim: str) -> None:
    assert granted(with_actor(make_token("robot-7", claims={claim: "gateway"}))).act is not None


@cites(45, "RFC 8693", "4.4")
def test_a_trust_may_let_clients_present_actors_of_its_issuer() -> None:
    assert granted(with_actor(PEER, make_trust(accepts_actors=True))).act is not None


@cites(46, "RFC 8693", "4.1")
@pytest.mark.parametrize("limit", range(1, INSTALLATION_MAX_DEPTH + 1))
def test_a_chain_as_deep_as_the_least_limit_is_granted(limit: int) -> None:
    chain: dict[str, Any] | None = None
    for number in range(limit - 1):
        chain = {"sub": str(number)} | ({} if chain is None else {"act": chain})
    claims = {} if chain is None else {"act": chain}
    for changes in ({"trust": make_trust(max_depth=limit)}, {"mappings": (make_mapping(max_depth=limit),)}):
        assert granted(with_actor(subject=make_token(claims=claims), **changes)).act is not None


@cites(72, "RFC 9068", "5")
def test_the_same_subject_of_two_partners_is_two_subjects() -> None:
    other = make_trust(partner=make_partner(slug="fjord"))
    assert granted(make_facts()).subject == "partner:kestrel:user-1"
    assert granted(make_facts(trust=other)).subject == "partner:fjord:user-1"
