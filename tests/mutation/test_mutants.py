"""A handful of mutants: tests notice them, and the campaign tells of one that nobody can (``make mutation``)."""

from __future__ import annotations

import pytest

from tests.mutation.campaign import ROOT, run
from tests.mutation.modules import MODULES

NOTICED = ["if len(carried) > 2", "_LOGIN[name](None)", "len(value) < MAX_LOGIN_LENGTH", "0 <= value <= LATEST"]
ALIKE = "if len(carried) >= 1"
"""Before a condition that is false then: docs/mutation.md."""
JUDGES = ["tests/policy/test_words_of_rules.py"]


def test_picked_mutants_are_noticed_and_one_that_changes_nothing_is_told() -> None:
    result = run("policy/carrying.py", JUDGES, changes=[*NOTICED, ALIKE])
    assert result.killed == len(NOTICED)
    (told,) = result.survivors.values()
    assert ALIKE in told
    assert result.score == 80


@pytest.mark.parametrize(("change", "count"), [("if no such line", "0"), ("_LOGIN[", "2")])
def test_a_change_that_names_no_single_mutant_is_an_error(change: str, count: str) -> None:
    with pytest.raises(ValueError, match=f"is in {count} mutants; give a text"):
        run("policy/carrying.py", JUDGES, changes=[change])


def test_every_module_of_the_campaign_and_its_tests_exist() -> None:
    for module, tests in MODULES.items():
        assert (ROOT / module).is_file()
        assert all((ROOT / place).exists() for place in tests)
