"""What expressions do in a decision: they narrow or name, a fault ends it, and no later mapping is tried after one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.carrying import MAX_CARRIED_BYTES
from policy.claim_rules import Verdict
from policy.decision import decide
from policy.facts import Granted
from policy.reasons import Reason, Rule
from tests.policy.dice import FACTS
from tests.policy.examples import (
    LEDGER,
    NOW,
    REPORTS,
    Asked,
    claim,
    condition,
    granted,
    make_client,
    make_facts,
    make_mapping,
    make_target,
    make_token,
    ordered,
    refused,
    remapped,
    scopes_by,
    with_actor,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from policy.expressions import Expression
    from policy.facts import Facts
    from policy.mapping import ScopeMapping
    from policy.tokens import HypotheticalToken

BOTH = Asked(audience=(LEDGER, REPORTS))
CONDITIONS = [condition(source) for source in ("claims.tier == 'gold'", "has(claims.employee)", "client == 'x'")]
FAULTS = [condition("claims.absent == 1"), condition("claims.iss > 3"), condition("int(client) == 1")]
SCOPES = [scopes_by("claims.absent.split(' ')"), scopes_by("[string(claims.nowhere)]")]
CLAIMS = [{"level": claim("claims.absent")}, {"a": claim("1"), "level": claim("claims.absent.more")}]


def rolled(**facts: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A property over some sixty facts."""
    return lambda test: settings(max_examples=60)(given(facts=FACTS, **facts)(test))


def changed(facts: Facts[HypotheticalToken], **fields: Any) -> Facts[HypotheticalToken]:
    """The same facts, every mapping with these fields."""
    return remapped(facts, tuple(replace(mapping, **fields) for mapping in ordered(facts)))


def test_a_mapping_whose_expression_is_false_leaves_the_request_to_the_next() -> None:
    first = make_mapping(name="staff", condition=condition("claims.tier == 'staff'"), max_depth=1)
    outcome = granted(make_facts(mappings=(first, make_mapping(name="rest"))))
    assert [mapping.name for mapping in outcome.mappings] == ["rest"]
    outcome = granted(make_facts(mappings=(first,), subject=make_token(claims={"tier": "staff"})))
    assert [mapping.name for mapping in outcome.mappings] == ["staff"]


def test_scopes_by_expression_come_on_top_and_stay_within_catalogue_client_and_request() -> None:
    mapping = make_mapping(
        always=frozenset(),
        grants={},
        default_scopes=frozenset({"read", "write", "admin"}),
        scopes_expression=scopes_by("claims.roles.map(r, string(r))"),
    )
    subject = make_token(claims={"roles": ["write", "admin", "fly"]})
    client = make_client(scopes=frozenset({"read", "write", "fly"}))
    facts = make_facts(mappings=(mapping,), subject=subject, client=client)
    assert granted(facts).scope == {"write"}
    outcome = refused(replace(facts, request=Asked(scope=frozenset({"read"}))))
    assert outcome.reason is Reason.SCOPE_NOT_GRANTED


def test_claims_carried_over_are_named_in_the_steps_and_their_values_are_in_the_answer() -> None:
    claims = {"unit": claim("claims.department.upperAscii()"), "staff": claim("has(claims.employee)")}
    subject = make_token(claims={"department": "ops"})
    outcome = granted(make_facts(mappings=(make_mapping(claims=claims),), subject=subject))
    assert outcome.claims == {"unit": "OPS", "staff": False}
    assert (Rule.MAPPING, Verdict.PASSED, "claims carried over", "unit staff") in outcome.steps


def test_without_expressions_nothing_is_carried_over() -> None:
    assert granted(make_facts(subject=make_token(claims={"unit": "ops"}))).claims == {}


def test_an_expression_reads_the_actor_the_client_and_the_subjects_scopes() -> None:
    source = "actor.sub == 'gateway' && client == 'gateway' && 'settle' in scopes"
    assert granted(with_actor(mappings=(make_mapping(condition=condition(source)),))).act is not None
    unmet = refused(make_facts(mappings=(make_mapping(condition=condition(f"has(actor.sub) && {source}")),)))
    assert unmet.reason is Reason.MAPPING_RULE_UNMET


LOGIN: dict[str, Any] = {"auth_time": 1_900_000_000, "acr": "phr", "amr": ["hwk", "pin"]}


@pytest.mark.parametrize("names", [[], ["acr"], ["auth_time", "acr", "amr"]])
def test_the_login_is_carried_over_as_it_was_where_the_mapping_says_so(names: list[str]) -> None:
    login = {name: LOGIN[name] for name in names}
    facts = make_facts(mappings=(make_mapping(carries_login=True),), subject=make_token(claims=login))
    assert granted(facts).claims == login
    assert granted(changed(facts, carries_login=False)).claims == {}


@pytest.mark.parametrize(
    "claims",
    [
        {"auth_time": "yesterday"},
        {"auth_time": True},
        {"auth_time": -1},
        {"auth_time": 1.5},
        {"acr": ["phr"]},
        {"acr": "a" * 256},
        {"amr": "pwd"},
        {"amr": [1]},
        {"amr": ["pwd"] * 21},
    ],
)
def test_a_login_that_is_not_said_as_it_should_be_is_a_fault(claims: dict[str, Any]) -> None:
    facts = make_facts(mappings=(make_mapping(carries_login=True),), subject=make_token(claims=claims))
    assert refused(facts).reason is Reason.MAPPING_RULE_FAULT


def test_targets_that_carry_over_the_same_claims_share_one_token() -> None:
    claims = {"a": claim("claims.tier"), "b": claim("[client]")}
    same = {"b": claim("['gateway']"), "a": claim("'gold'")}
    mappings = (make_mapping(claims=claims), make_mapping(make_target(REPORTS), name="other", claims=same))
    assert granted(make_facts(request=BOTH, mappings=mappings)).claims == {"a": "gold", "b": ["gateway"]}


@pytest.mark.parametrize("other", [{}, {"a": "'silver'"}, {"b": "'gold'"}, {"a": "'gold'", "b": "1"}])
def test_targets_that_carry_over_other_claims_are_refused_together(other: dict[str, str]) -> None:
    claims = {name: claim(source) for name, source in other.items()}
    mappings = (
        make_mapping(claims={"a": claim("claims.tier")}),
        make_mapping(make_target(REPORTS), name="other", claims=claims),
    )
    assert refused(make_facts(request=BOTH, mappings=mappings)).reason is Reason.TARGETS_DISAGREE


def test_more_than_a_token_should_carry_is_a_fault() -> None:
    subject = make_token(claims={"long": "a" * 1000})
    few = {name: claim("claims.long") for name in "abcd"}
    assert granted(make_facts(mappings=(make_mapping(claims=few),), subject=subject)).claims.keys() == set("abcd")
    more = few | {"e": claim("claims.long")}
    outcome = refused(make_facts(mappings=(make_mapping(claims=more),), subject=subject))
    assert outcome.reason is Reason.MAPPING_RULE_FAULT
    assert f"at most {MAX_CARRIED_BYTES} bytes" in outcome.steps[-1].expected


def test_a_fault_names_the_mapping_the_part_and_what_happened() -> None:
    mapping = make_mapping(name="gold", version=3, claims={"level": claim("claims.level")})
    step = refused(make_facts(mappings=(mapping,))).steps[-1]
    assert step.verdict is Verdict.FAULT
    assert step.expected == "gold v3: level claims.level"
    assert "Key not found" in step.received


@rolled(fault=st.sampled_from(FAULTS))
def test_a_condition_that_faults_grants_nothing(facts: Facts[HypotheticalToken], fault: Expression) -> None:
    assert not isinstance(decide(changed(facts, condition=fault), now=NOW), Granted)


@rolled(fault=st.sampled_from(SCOPES))
def test_scopes_that_fault_grant_nothing(facts: Facts[HypotheticalToken], fault: Expression) -> None:
    assert not isinstance(decide(changed(facts, scopes_expression=fault), now=NOW), Granted)


@rolled(fault=st.sampled_from(CLAIMS))
def test_claims_that_fault_grant_nothing(facts: Facts[HypotheticalToken], fault: dict[str, Expression]) -> None:
    assert not isinstance(decide(changed(facts, claims=fault), now=NOW), Granted)


def only(facts: Facts[HypotheticalToken]) -> tuple[ScopeMapping, ...]:
    """The first mapping of each target: with no other to fall to, a condition can only take away."""
    return tuple(mappings[0] for mappings in facts.mappings.values())


@rolled(added=st.sampled_from(CONDITIONS + FAULTS))
def test_adding_a_condition_never_widens(facts: Facts[HypotheticalToken], added: Expression) -> None:
    before = remapped(facts, only(facts))
    narrow, wide = decide(changed(before, condition=added), now=NOW), decide(before, now=NOW)
    if isinstance(narrow, Granted):
        assert isinstance(wide, Granted)
        assert (narrow.scope, narrow.expires_at, narrow.audience) == (wide.scope, wide.expires_at, wide.audience)


@rolled(given=st.sampled_from(["scopes", "['r', 'w', 'x', 'y', 'z', 'admin']", "['r']"]))
def test_scopes_by_expression_never_pass_the_client_the_catalogue_or_the_request(
    facts: Facts[HypotheticalToken], given: str
) -> None:
    outcome = decide(changed(facts, scopes_expression=scopes_by(given)), now=NOW)
    if isinstance(outcome, Granted):
        assert outcome.scope <= facts.client.scopes
        assert facts.request.scope is None or outcome.scope <= facts.request.scope
        for mapping in outcome.mappings:
            assert outcome.scope <= mapping.target.scopes.keys()
