"""The table of rules is complete, and ``docs/conformance.md`` is in step with the tests that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import page
from tests.conformance.rules import NAMED, RULES, SECTIONS, due, rule
from tests.indexes import known

ROOT = Path(__file__).resolve().parents[2]
DUE = {*range(1, 117), *range(146, 159)}
"""Sections 1 to 9, 16 and 17 of the guide: those that must ship, and the four that should and that step B names."""


@pytest.fixture(scope="module")
def index(request: pytest.FixtureRequest, shared_folder: Path) -> dict[int, set[str]]:
    return known(request.config, shared_folder).rules


def test_every_rule_that_is_due_has_a_test(index: dict[int, set[str]]) -> None:
    assert [item.number for item in due(RULES.values()) if not index.get(item.number)] == []


def test_the_page_lists_exactly_the_rules_and_tests_that_exist(index: dict[int, set[str]]) -> None:
    written = page.rows((ROOT / "docs/conformance.md").read_text(encoding="utf-8"))
    assert written.keys() == RULES.keys()
    stale = {number: tests ^ index.get(number, set()) for number, tests in written.items()}
    assert {number: names for number, names in stale.items() if names} == {}, "run: make conformance"


def test_the_page_says_that_every_rule_that_is_due_is_held() -> None:
    text = (ROOT / "docs/conformance.md").read_text(encoding="utf-8")
    count = len(due(RULES.values()))
    assert f"**{count} of the {count} rules that are due now are held by tests that pass.**" in text
    assert re.findall("[0-9]+ (?:failed|skipped|known gap)", text) == []


def test_the_rules_that_are_due_are_those_of_the_guide() -> None:
    assert {item.number for item in RULES.values() if item.is_due} == DUE
    assert all(item.level == "M" or item.number in NAMED for item in due(RULES.values()))


def test_no_rule_is_in_the_table_twice_and_all_are_in_order() -> None:
    numbers = [item.number for items in SECTIONS.values() for item in items]
    assert numbers == sorted(set(numbers))
    assert all(item.sources for item in RULES.values())


@pytest.mark.parametrize(
    "wrong", [(999, "RFC 6749", "3.2"), (1, "RFC 6749", "9.9"), (1, "RFC 9999", "3.2"), (1, "", "")]
)
def test_a_test_cannot_cite_what_is_not_in_the_table(wrong: Any) -> None:
    with pytest.raises(pytest.UsageError):
        rule(*wrong)


def test_a_page_is_read_back_as_it_was_written() -> None:
    from collections import Counter  # noqa: PLC0415

    results = {1: {"a/test_x::test_y": Counter(passed=3), "a/test_x::test_z": Counter(passed=1, failed=1)}}
    text = page.render(results)
    assert page.rows(text) == {number: set(results.get(number, {})) for number in RULES}
    assert "| 4 passed, 1 failed |" in text
    assert "**0 of the " in text
