"""Conditions on claims: what they mean, what cannot be written, and what an attacker cannot make of them."""

from __future__ import annotations

import timeit
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.claim_rules import MAX_PATTERN_LENGTH, MAX_VALUE_LENGTH, ClaimRule, Operator, RuleError, Verdict
from tests.attacks import attack
from tests.policy.examples import rule

PASSED, REFUSED, FAULT = Verdict.PASSED, Verdict.REFUSED, Verdict.FAULT

SEMANTICS = {
    "an equal string": ("equals", "gold", "gold", PASSED),
    "a string in another case": ("equals", "gold", "Gold", REFUSED),
    "a string with a blank after it": ("equals", "gold", "gold ", REFUSED),
    "an equal number": ("equals", 3, 3, PASSED),
    "true where a rule says 1": ("equals", 1, True, REFUSED),
    "1 where a rule says true": ("equals", True, 1, REFUSED),
    "0 where a rule says false": ("equals", False, 0, REFUSED),
    "the digits of a number": ("equals", 1, "1", REFUSED),
    "a list that holds the value": ("equals", "gold", ["gold"], FAULT),
    "an object": ("equals", "gold", {"gold": "gold"}, FAULT),
    "a fraction equal to the number": ("equals", 1, 1.0, FAULT),
    "null": ("equals", "null", None, REFUSED),
    "one of several": ("one_of", ["gold", "silver"], "silver", PASSED),
    "none of several": ("one_of", ["gold", "silver"], "bronze", REFUSED),
    "true among numbers": ("one_of", [0, 1], True, REFUSED),
    "a list against several": ("one_of", ["gold"], ["gold"], FAULT),
    "a pattern that fits": ("matches", "[a-z]+-[0-9]+", "team-7", PASSED),
    "a pattern that fits a part": ("matches", "[a-z]+", "team-7", REFUSED),
    "a line break after what fits": ("matches", "[a-z]+", "team\n", REFUSED),
    "a line of several": ("matches", "^team$", "evil\nteam", REFUSED),
    "a number against a pattern": ("matches", "[0-9]+", 7, FAULT),
    "a list against a pattern": ("matches", ".*", ["team"], FAULT),
    "too long a value against a pattern": ("matches", ".*", "a" * (MAX_VALUE_LENGTH + 1), FAULT),
    "a value as long as allowed": ("matches", "a*", "a" * MAX_VALUE_LENGTH, PASSED),
    "a member of a list": ("contains", "admin", ["user", "admin"], PASSED),
    "no member of a list": ("contains", "admin", ["administrator"], REFUSED),
    "a word of a spaced string": ("contains", "admin", "user admin", PASSED),
    "a part of a word": ("contains", "admin", "administrator", REFUSED),
    "true in a list, a rule about 1": ("contains", 1, [True], REFUSED),
    "a nested list": ("contains", "admin", [["admin"]], REFUSED),
    "the keys of an object": ("contains", "admin", {"admin": True}, FAULT),
    "a number that cannot contain": ("contains", 7, 7, FAULT),
    "anything that exists": ("exists", None, False, PASSED),
    "an empty string that exists": ("exists", None, "", PASSED),
    "null, which is as good as absent": ("exists", None, None, REFUSED),
}


@pytest.mark.parametrize(("operator", "value", "actual", "verdict"), SEMANTICS.values(), ids=SEMANTICS.keys())
def test_a_condition_means(operator: str, value: Any, actual: Any, verdict: Verdict) -> None:
    assert rule("claim", operator, value).evaluate({"claim": actual}) is verdict


@pytest.mark.parametrize("operator", list(Operator))
def test_an_absent_claim_never_satisfies_a_condition(operator: Operator) -> None:
    value = {"exists": None, "one_of": ["other"]}.get(operator, "other")
    assert rule("claim", operator, value).evaluate({"other": "other"}) is REFUSED


@pytest.mark.parametrize("pattern", ["^admin|user$", "admin|user", "(?:admin|)user", "admin|", "(?m)^admin$|^user$"])
@pytest.mark.parametrize("value", ["admin-evil", "evil-user", "adminuser-", "admin\nevil", "evil\nuser"])
def test_an_alternation_cannot_escape_its_anchors(pattern: str, value: str) -> None:
    assert rule("sub", "matches", pattern).evaluate({"sub": value}) is REFUSED


@attack("A31")
@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)*x", "([a-zA-Z]+)*b", "(a*)*(a*)*b", "a{1,50}b"]
)
def test_a_pattern_that_explodes_elsewhere_costs_in_proportion_to_the_value(pattern: str) -> None:
    condition = rule("sub", "matches", pattern)
    assert condition.evaluate({"sub": "a" * MAX_VALUE_LENGTH}) is REFUSED
    assert _cost(condition, MAX_VALUE_LENGTH) < 64 * _cost(condition, MAX_VALUE_LENGTH // 8)


def _cost(condition: ClaimRule, length: int) -> float:
    """The least of several measurements; a backtracking engine would not come back from the first."""
    claims = {"sub": "a" * length}
    return min(timeit.repeat(lambda: condition.evaluate(claims), number=3, repeat=5))


UNWRITABLE = {
    "an unknown operator": ("tier", "like", "gold"),
    "no operator": ("tier", None, "gold"),
    "a list for an operator": ("tier", ["equals"], "gold"),
    "no claim": ("", "equals", "gold"),
    "a claim that is no text": (7, "equals", "gold"),
    "too long a claim": ("c" * 256, "exists", None),
    "too deep a path": ("a/b/c/d/e/f", "exists", None),
    "equals without a value": ("tier", "equals", None),
    "equals with a list": ("tier", "equals", ["gold"]),
    "equals with a fraction": ("tier", "equals", 1.5),
    "one_of without members": ("tier", "one_of", []),
    "one_of with one text": ("tier", "one_of", "gold"),
    "one_of with a nested list": ("tier", "one_of", [["gold"]]),
    "exists with a value": ("tier", "exists", True),
    "contains with an object": ("tier", "contains", {"a": 1}),
    "a pattern that is a number": ("tier", "matches", 7),
    "an empty pattern": ("tier", "matches", ""),
    "a pattern that is not closed": ("tier", "matches", "(gold"),
    "a back-reference": ("tier", "matches", r"(a)\1"),
    "a look-ahead": ("tier", "matches", "(?=gold).*"),
    "a look-behind": ("tier", "matches", "(?<=gold)x"),
    "too long a pattern": ("tier", "matches", "a" * (MAX_PATTERN_LENGTH + 1)),
    "a pattern that would need too much memory": ("tier", "matches", "((a{100}){100}){100}"),
}


@pytest.mark.parametrize(("claim", "operator", "value"), UNWRITABLE.values(), ids=UNWRITABLE.keys())
def test_a_condition_that_could_not_be_evaluated_cannot_be_written(claim: Any, operator: Any, value: Any) -> None:
    with pytest.raises(RuleError):
        ClaimRule.compile(claim, operator, value)


def test_a_path_reaches_into_objects_and_nothing_else() -> None:
    condition = rule("realm/roles", "contains", "admin")
    assert condition.evaluate({"realm": {"roles": ["admin"]}}) is PASSED
    assert condition.evaluate({"realm": [{"roles": ["admin"]}]}) is REFUSED
    assert condition.evaluate({"realm": "roles"}) is REFUSED
    assert condition.evaluate({"realm": {"roles": None}}) is REFUSED


def test_a_claim_whose_name_is_a_url_is_found_by_that_name() -> None:
    condition = rule("https://kestrel.example/tier", "equals", "gold")
    assert condition.evaluate({"https://kestrel.example/tier": "gold"}) is PASSED
    assert condition.evaluate({"https:": {"": {"kestrel.example": {"tier": "silver"}}}}) is REFUSED


SCALARS = st.one_of(st.text(max_size=8), st.integers(), st.booleans())
VALUES = st.recursive(
    st.one_of(st.none(), SCALARS, st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


@given(wanted=SCALARS, actual=VALUES)
def test_equals_passes_for_the_same_kind_and_value_only(wanted: Any, actual: Any) -> None:
    verdict = rule("claim", "equals", wanted).evaluate({"claim": actual})
    assert (verdict is PASSED) == (type(actual) is type(wanted) and actual == wanted)


@given(wanted=st.lists(SCALARS, min_size=1, max_size=4), actual=VALUES)
def test_one_of_is_equals_for_any_of_them(wanted: list[Any], actual: Any) -> None:
    verdict = rule("claim", "one_of", wanted).evaluate({"claim": actual})
    each = [rule("claim", "equals", value).evaluate({"claim": actual}) for value in wanted]
    assert (verdict is PASSED) == (PASSED in each)


@given(
    operator=st.sampled_from(["equals", "matches", "contains"]), value=st.text(min_size=1, max_size=6), actual=VALUES
)
def test_every_value_gets_a_verdict_and_no_exception(operator: str, value: str, actual: Any) -> None:
    try:
        condition = rule("claim", operator, value)
    except RuleError:
        assert operator == "matches"
        return
    assert condition.evaluate({"claim": actual}) in {PASSED, REFUSED, FAULT}


@given(text=st.text(min_size=1, max_size=20), actual=st.text(max_size=20))
def test_a_quoted_pattern_matches_its_own_text_only(text: str, actual: str) -> None:
    quoted = "".join(f"\\x{{{ord(character):x}}}" for character in text)
    assert (rule("claim", "matches", quoted).evaluate({"claim": actual}) is PASSED) == (text == actual)
    assert rule("claim", "matches", quoted).evaluate({"claim": text}) is PASSED


def test_a_condition_reads_as_a_sentence_for_the_trace() -> None:
    assert rule("tier", "equals", "gold").expected == "tier equals gold"
    assert rule("tier", "one_of", ["gold", 7]).expected == "tier one of gold, 7"
    assert rule("tier", "exists").expected == "tier exists"
