"""A handful of mutants: tests notice them, and the campaign tells of one that nobody can (``make mutation``)."""

from __future__ import annotations

from tests.mutation.campaign import ROOT, run
from tests.mutation.modules import MODULES

NOTICED = [
    "policy.carrying.x_carry_claims__mutmut_8",
    "policy.carrying.x__login__mutmut_2",
    "policy.carrying.x__is_word__mutmut_3",
    "policy.carrying.x__is_instant__mutmut_4",
]
ALIKE = "policy.carrying.x_carry_claims__mutmut_9"
"""``>=`` for ``>`` before a condition that is false then: docs/mutation.md."""


def test_picked_mutants_are_noticed_and_one_that_changes_nothing_is_told() -> None:
    result = run("policy/carrying.py", ["tests/policy/test_words_of_rules.py"], mutants=[*NOTICED, ALIKE])
    assert result.killed == len(NOTICED)
    assert result.survivors.keys() == {ALIKE}
    assert "len(carried) >= 1" in result.survivors[ALIKE]
    assert result.score == 80


def test_every_module_of_the_campaign_and_its_tests_exist() -> None:
    for module, tests in MODULES.items():
        assert (ROOT / module).is_file()
        assert all((ROOT / place).exists() for place in tests)
