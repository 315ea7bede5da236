"""Every attack and fault that is due is held by a test, and ``docs/attacks.md`` names exactly those."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.attacks import ATTACKS, PAGE, attack, render, rows
from tests.indexes import known

if TYPE_CHECKING:
    from pathlib import Path

DUE = {*(f"A{n}" for n in (*range(1, 33), 35)), *(f"F{n}" for n in (12, 13, 14, 15, 17, 27, 28, 34))}


@pytest.fixture(scope="module")
def index(request: pytest.FixtureRequest, shared_folder: Path) -> dict[str, set[str]]:
    return known(request.config, shared_folder).attacks


def test_the_rows_are_those_that_are_due() -> None:
    assert set(ATTACKS) == DUE


def test_every_row_has_a_test(index: dict[str, set[str]]) -> None:
    assert [row for row in ATTACKS if not index.get(row)] == []


def test_the_page_names_exactly_the_tests_that_exist(index: dict[str, set[str]]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert rows(text) == index, "run: python -m tests.attacks"
    assert text == render(index)


@pytest.mark.parametrize("wrong", [("A99",), ("A1", "B1"), ()])
def test_a_test_cannot_hold_a_row_that_is_not_there(wrong: tuple[str, ...]) -> None:
    with pytest.raises(pytest.UsageError):
        attack(*wrong)
