"""What is allowed and unwise is found, and what is wise is left in peace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policy.lint import Fault, Finding, is_unbounded, of_mapping, of_trust
from policy.parties import Risk, Scope
from tests.policy.examples import condition, make_mapping, make_target, rule


def faults(found: tuple[Finding, ...]) -> list[Fault]:
    return [finding.fault for finding in found]


def test_a_trust_without_a_condition_takes_whatever_its_issuer_signs() -> None:
    assert faults(of_trust("idp", ())) == [Fault.AUDIENCE_ONLY]
    assert of_trust("idp", (rule("tenant", "equals", "kestrel"),)) == ()


@pytest.mark.parametrize("pattern", [".*", ".+", "(?s).*", "[^,]+", "|.*", "[^\\n]*", "(a|.)+"])
def test_a_pattern_that_matches_everything_bounds_nothing(pattern: str) -> None:
    assert is_unbounded(rule("site", "matches", pattern))
    assert faults(of_trust("idp", (rule("site", "matches", pattern),))) == [Fault.UNBOUNDED_PATTERN]


@pytest.mark.parametrize("pattern", ["wh-[0-9]{2}", "[a-z]+", ".{1,20}", "kestrel-.*", ".*@kestrel[.]example"])
def test_a_pattern_that_holds_anything_back_is_none(pattern: str) -> None:
    assert not is_unbounded(rule("site", "matches", pattern))


def test_only_a_pattern_can_be_unbounded() -> None:
    assert not is_unbounded(rule("site", "exists"))
    assert not is_unbounded(rule("site", "equals", ".*"))


def test_a_claim_that_must_only_be_there_holds_nobody_back() -> None:
    (found,) = of_trust("idp", (rule("tenant", "exists"),))
    assert (found.fault, found.subject, found.detail) == (Fault.ONLY_EXISTS, "idp", "tenant exists")
    assert of_trust("idp", (rule("tenant", "exists"), rule("tier", "equals", "gold"))) == ()


def test_a_risky_scope_for_every_token_is_told_where_no_condition_is_left() -> None:
    target = make_target(scopes=())
    scopes = {
        name: Scope(name=name, description="", risk=risk) for name, risk in (("pay", Risk.HIGH), ("see", Risk.LOW))
    }
    mapping = make_mapping(replace(target, scopes=scopes), grants={}, always=frozenset({"pay", "see"}))
    (found,) = of_mapping(mapping, is_conditional_trust=False)
    assert (found.fault, found.detail) == (Fault.RISKY_FOR_ALL, "pay")
    assert of_mapping(mapping, is_conditional_trust=True) == ()
    assert of_mapping(replace(mapping, condition=condition("claims.level > 2")), is_conditional_trust=False) == ()
    assert of_mapping(replace(mapping, rules=(rule("tier", "equals", "gold"),)), is_conditional_trust=False) == ()
    assert of_mapping(replace(mapping, always=frozenset({"see"})), is_conditional_trust=False) == ()


def test_a_critical_scope_without_an_actor_names_nobody_who_acts() -> None:
    scopes = {"move": Scope(name="move", description="", risk=Risk.CRITICAL)}
    target = replace(make_target(scopes=()), scopes=scopes)
    mapping = make_mapping(
        target, grants={"settle": frozenset({"move"})}, always=frozenset(), allows_impersonation=True
    )
    (found,) = of_mapping(mapping, is_conditional_trust=True)
    assert (found.fault, found.detail) == (Fault.RISKY_IMPERSONATION, "move")
    assert of_mapping(replace(mapping, allows_impersonation=False), is_conditional_trust=True) == ()
