"""The decision trace: the whole line for whatever an event recorded of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.claim_rules import Verdict
from policy.reasons import Reason, Rule
from portal.exchange_pages.traces import StepState, trace
from tests.portal.happenings import GRANTED_STEPS

ORDER = [str(rule) for rule in Rule]


def states(steps: object, reason: str = "") -> dict[str, StepState]:
    return {step.rule: step.state for step in trace(steps, reason)}


def test_a_granted_exchange_shows_every_step_and_what_was_not_needed() -> None:
    line = states(GRANTED_STEPS)
    assert list(line) == ORDER
    assert line["scope"] is StepState.NARROWED
    assert {rule for rule, state in line.items() if state is StepState.NOT_NEEDED} == {"possession", "actor_token"}
    assert {state for rule, state in line.items() if rule not in {"scope", "possession", "actor_token"}} == {
        StepState.PASSED
    }


def test_steps_before_the_refusing_one_passed_and_those_after_it_were_never_reached() -> None:
    line = states([["mapping", "refused", "a published mapping", "absent"]], "policy.target_not_mapped")
    stop = ORDER.index("mapping")
    assert line["mapping"] is StepState.REFUSED
    assert {line[rule] for rule in ORDER[:stop]} == {StepState.PASSED, StepState.NOT_NEEDED}
    assert {line[rule] for rule in ORDER[stop + 1 :]} == {StepState.NOT_REACHED}


def test_a_step_that_could_not_be_decided_ends_the_line_too() -> None:
    line = states([["trust_rules", "fault", "tier equals gold", "[1]"]], "policy.trust_rule_fault")
    assert line["trust_rules"] is StepState.FAULT
    assert line["target"] is StepState.NOT_REACHED


def test_a_narrowing_step_names_the_scopes_that_were_kept_and_those_that_were_cut() -> None:
    (scope,) = [step for step in trace(GRANTED_STEPS, "") if step.rule == "scope"]
    assert scope.kept == ("ledger.read", "ledger.write")
    assert scope.cut == ("ledger.admin",)


def test_several_targets_show_a_mapping_step_each() -> None:
    steps = [["mapping", "passed", "ledger-api", "settle v3"], ["mapping", "passed", "reports-api", "reports v1"]]
    assert [step.received for step in trace(steps, "") if step.rule == "mapping"] == ["settle v3", "reports v1"]


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_ends_the_line_also_where_no_step_was_recorded(reason: Reason) -> None:
    line = list(states([], reason).values())
    assert line.count(StepState.REFUSED) == 1
    assert set(line[line.index(StepState.REFUSED) + 1 :]) <= {StepState.NOT_REACHED}


@pytest.mark.parametrize("broken", [None, "text", {}, [1], [["mapping"]], [["a", "b", "c", "d", "e"]]])
def test_steps_that_are_not_steps_are_left_out(broken: object) -> None:
    assert list(states(broken)) == ORDER


def test_a_step_of_a_newer_version_is_shown_under_its_own_name() -> None:
    (last,) = [step for step in trace([["consent", "passed", "x", "y"]], "") if step.rule == "consent"]
    assert last.title == "consent"


words = st.text(max_size=12)


@given(st.lists(st.tuples(st.sampled_from([*ORDER, "other"]), st.sampled_from([*Verdict, "?"]), words, words)))
def test_a_trace_always_holds_every_rule(recorded: list[tuple[str, str, str, str]]) -> None:
    assert set(states([list(step) for step in recorded])) >= set(ORDER)
