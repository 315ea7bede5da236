"""The words that admins read: word by word, since they are what a refusal is explained with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from policy.carrying import carry_claims
from policy.claim_rules import ClaimRule, Operator, RuleError, Verdict
from policy.delegation import ChainError, actors, depth, identity
from policy.expressions import Expression, Kind, Variables
from policy.guards import Refusal
from policy.reasons import Reason, Rule, Step, shown
from tests.policy.examples import make_mapping, make_token

if TYPE_CHECKING:
    from policy.mapping import ScopeMapping
    from policy.tokens import HypotheticalToken

UNUSABLE: dict[str, tuple[tuple[Any, Any, Any], str]] = {
    "no claim": (("", "exists", None), "claim must be the name of a claim, 1 to 255 characters"),
    "a claim that is no text": ((7, "exists", None), "claim must be the name of a claim, 1 to 255 characters"),
    "a long claim": (("c" * 256, "exists", None), "claim must be the name of a claim, 1 to 255 characters"),
    "a deep claim": (("a/b/c/d/e/f", "exists", None), "claim 'a/b/c/d/e/f' is nested more than 5 deep"),
    "a deep claim of a scheme": (
        ("ftp://a/b/c/d", "exists", None),
        "claim 'ftp://a/b/c/d' is nested more than 5 deep",
    ),
    "no operator": (("a", "like", "b"), "operator is 'like'; use one of equals, one_of, matches, exists, contains"),
    "exists with a value": (("a", "exists", "b"), "exists takes no value; leave it out"),
    "one of nothing": (("a", "one_of", []), "one_of takes a list of at least one string, integer or boolean"),
    "one of a text": (("a", "one_of", "b"), "one_of takes a list of at least one string, integer or boolean"),
    "one of lists": (("a", "one_of", ["b", ["c"]]), "one_of takes a list of at least one string, integer or boolean"),
    "equals nothing": (("a", "equals", None), "equals takes a string, an integer or a boolean, not NoneType"),
    "equals a list": (("a", "equals", ["b"]), "equals takes a string, an integer or a boolean, not tuple"),
    "contains a fraction": (("a", "contains", 0.5), "contains takes a string, an integer or a boolean, not float"),
    "matches a number": (("a", "matches", 7), "matches takes a pattern of 1 to 512 characters"),
    "matches an empty pattern": (("a", "matches", ""), "matches takes a pattern of 1 to 512 characters"),
    "matches a long pattern": (("a", "matches", "a" * 513), "matches takes a pattern of 1 to 512 characters"),
    "matches a look-around": (
        ("a", "matches", "(?=b)"),
        "pattern '(?=b)' is not RE2 syntax (no back-references, no look-around): invalid perl operator: (?=",
    ),
}


@pytest.mark.parametrize(("written", "told"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_rule_that_cannot_be_compiled_says_what_to_write(written: tuple[Any, Any, Any], told: str) -> None:
    with pytest.raises(RuleError) as caught:
        ClaimRule.compile(*written)
    assert str(caught.value) == told


def test_what_is_just_short_and_flat_enough_compiles() -> None:
    for claim in ("c" * 255, "a/b/c/d/e", "https://kestrel.example/a/b/c/d/e"):
        assert ClaimRule.compile(claim, "exists") == ClaimRule(claim=claim, operator=Operator.EXISTS)
    longest = ClaimRule.compile("a", "matches", "a" * 512)
    assert longest.evaluate({"a": "a" * 512}) is Verdict.PASSED
    assert ClaimRule.compile("a", Operator.ONE_OF, ["b", 1, True]).value == ("b", 1, True)


def test_a_pattern_that_needs_too_much_memory_is_refused_when_it_is_written() -> None:
    with pytest.raises(RuleError, match="too large"):
        ClaimRule.compile("a", "matches", r"\pL{100}")
    assert ClaimRule.compile("a", "matches", r"\pL{50}").evaluate({"a": "é" * 50}) is Verdict.PASSED


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (ClaimRule.compile("tier", "exists"), "tier exists"),
        (ClaimRule.compile("tier", "equals", "gold"), "tier equals gold"),
        (ClaimRule.compile("tier", "one_of", ["gold", 1]), "tier one of gold, 1"),
    ],
)
def test_a_rule_in_words(rule: ClaimRule, told: str) -> None:
    assert rule.expected == told


@pytest.mark.parametrize(
    ("rule", "claims", "verdict"),
    [
        (ClaimRule.compile("a/b", "equals", 1), {"a": {"b": 1}}, Verdict.PASSED),
        (ClaimRule.compile("a/b", "equals", 1), {"a/b": 2, "a": {"b": 1}}, Verdict.REFUSED),
        (ClaimRule.compile("a/b", "exists"), {"a": {"b": None}}, Verdict.REFUSED),
        (ClaimRule.compile("a", "matches", "b*"), {"a": "b" * 4096}, Verdict.PASSED),
        (ClaimRule.compile("a", "matches", "b*"), {"a": "b" * 4097}, Verdict.FAULT),
        (ClaimRule.compile("a", "contains", "b"), {"a": "x b"}, Verdict.PASSED),
        (ClaimRule.compile("a", "contains", "b"), {"a": "x\tb"}, Verdict.REFUSED),
        (ClaimRule.compile("a", "contains", 1), {"a": [True]}, Verdict.REFUSED),
        (ClaimRule.compile("a", "contains", 1), {"a": 1}, Verdict.FAULT),
        (ClaimRule.compile("a", "one_of", [True]), {"a": 1}, Verdict.REFUSED),
        (ClaimRule.compile("a", "one_of", [True]), {"a": [True]}, Verdict.FAULT),
        (ClaimRule.compile("a", "equals", "b"), {"a": ["b"]}, Verdict.FAULT),
    ],
    ids=str,
)
def test_how_a_rule_falls(rule: ClaimRule, claims: dict[str, Any], verdict: Verdict) -> None:
    assert rule.evaluate(claims) is verdict


@pytest.mark.parametrize("act", ["robot", {}, {"sub": 7}, {"sub": "a", "act": ["b"]}], ids=str)
def test_what_is_no_chain_is_told(act: Any) -> None:
    with pytest.raises(ChainError) as caught:
        list(actors(act))
    assert str(caught.value) == "act must be an object with a sub"


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat", "aud", "jti"])
def test_what_is_not_about_identity_is_told(claim: str) -> None:
    with pytest.raises(ChainError) as caught:
        list(actors({"sub": "a", "act": {"sub": "b", claim: 1}}))
    assert str(caught.value) == "act holds identity claims only"


def test_an_actor_is_its_issuer_and_its_subject() -> None:
    assert identity({"sub": "a"}, "here") == ("here", "a")
    assert identity({"sub": "a", "iss": "there"}, "here") == ("there", "a")


def test_the_depth_of_a_chain_is_the_number_of_its_actors() -> None:
    assert depth(None) == 0
    assert depth({"sub": "a"}) == 1
    assert depth({"sub": "a", "act": {"sub": "b", "act": {"sub": "c"}}}) == 3


def test_a_ceiling_is_what_always_is_and_what_each_right_is_worth() -> None:
    mapping = make_mapping(
        grants={"settle": frozenset("b"), "audit": frozenset("c"), "report": frozenset("d")},
        always=frozenset("a"),
    )
    assert mapping.ceiling(make_token(scope=frozenset({"settle", "audit"}))) == frozenset("abc")
    assert mapping.ceiling(make_token(scope=frozenset())) == frozenset("a")


def carried(*mappings: ScopeMapping, token: HypotheticalToken | None = None) -> tuple[Any, list[Step]]:
    steps: list[Step] = []
    token = token or make_token()
    variables = Variables(token.claims, {}, "gateway", token.scope)
    return carry_claims(mappings, token, variables, steps), steps


def fault(*mappings: ScopeMapping, token: HypotheticalToken | None = None) -> tuple[Reason, Step]:
    with pytest.raises(Refusal) as caught:
        carried(*mappings, token=token)
    return caught.value.reason, caught.value.step


def carrying(**sources: str) -> ScopeMapping:
    return make_mapping(claims={name: Expression.compile(source, Kind.CLAIM) for name, source in sources.items()})


def test_claims_that_are_carried_are_told_once() -> None:
    assert carried(make_mapping()) == ({}, [])
    claims, steps = carried(carrying(tier="claims.tier", level="'1'"))
    assert claims == {"tier": "gold", "level": "1"}
    assert steps == [Step(Rule.MAPPING, Verdict.PASSED, "claims carried over", "tier level")]
    assert carried(carrying(tier="claims.tier"), carrying(tier="'gold'"))[0] == {"tier": "gold"}


def test_mappings_that_disagree_are_told_with_what_each_carries() -> None:
    expected = "mappings that carry over the same claims"
    step = Step(Rule.MAPPING, Verdict.REFUSED, expected, "tier level; none")
    assert fault(carrying(tier="'a'", level="'1'"), make_mapping()) == (Reason.TARGETS_DISAGREE, step)
    assert fault(carrying(tier="'a'"), carrying(tier="'b'"))[1].received == "tier; tier"


def test_a_claim_that_has_a_meaning_is_a_fault_of_the_mapping() -> None:
    step = Step(Rule.MAPPING, Verdict.FAULT, "mapping v1: no claim that has a meaning here", "sub tier")
    assert fault(carrying(sub="'a'", tier="'b'")) == (Reason.MAPPING_RULE_FAULT, step)


def test_claims_may_fill_four_kilobytes_and_no_more() -> None:
    text, members = "a" * 1000, len('{"a":"","b":"","c":"","d":"","e":""}')
    token = make_token(claims={"t": text, "rest": "b" * (4096 - 4 * len(text) - members)})
    four = dict.fromkeys("abcd", "claims.t")
    assert len(carried(carrying(**four, e="claims.rest"), token=token)[0]) == 5
    step = Step(Rule.MAPPING, Verdict.FAULT, "mapping v1: claims of at most 4096 bytes", "a b c d e")
    assert fault(carrying(**four, e="claims.rest + '.'"), token=token) == (Reason.MAPPING_RULE_FAULT, step)


LOGINS: dict[str, Any] = {
    "auth_time": ([0, 1, 2**53 - 1], [-1, 2**53, True, 1.5, "1"]),
    "acr": (["", "a" * 255], ["a" * 256, "a\n", 1, ["a"]]),
    "amr": ([[], ["pwd"] * 20, ["a" * 255]], [["pwd"] * 21, ["a" * 256], ["a\n"], [1], "pwd"]),
}


@pytest.mark.parametrize("name", LOGINS)
def test_what_a_token_says_of_the_login_is_copied_or_a_fault(name: str) -> None:
    good, bad = LOGINS[name]
    mapping = make_mapping(carries_login=True)
    for value in good:
        assert carried(mapping, token=make_token(claims={name: value}))[0] == {name: value}
        assert carried(make_mapping(), token=make_token(claims={name: value}))[0] == {}
    for value in bad:
        reason, step = fault(mapping, token=make_token(claims={name: value}))
        assert reason is Reason.MAPPING_RULE_FAULT
        assert step.expected == f"mapping v1: {name} as in OpenID Connect Core section 2"
        assert step.received == shown(value)
        assert step.verdict is Verdict.FAULT
    assert carried(mapping, token=make_token(claims={name: None}))[0] == {}
