"""``docs/flows.md`` is in step with the table of flows and with the tests that walk them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tests.e2e import flow_page
from tests.e2e.flows import FLOWS, PROMISED_SECONDS, SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITTEN = flow_page.rows(flow_page.PAGE.read_text(encoding="utf-8"))


def named() -> Iterator[tuple[str, str]]:
    """Every text in the tests that walk flows, with each function around it: ``test_x::test_y``."""
    for path in flow_page.tests_with_flows():
        for item in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(item, ast.FunctionDef):
                for node in ast.walk(item):
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        yield f"{path.stem}::{item.name}", node.value


def test_every_flow_has_its_test_and_is_counted_on_the_page() -> None:
    walked = {text for _, text in named()}
    assert [name for name in FLOWS if name not in walked] == []
    assert list(WRITTEN) == list(FLOWS), "run: make flows"


def test_the_page_shows_each_flow_within_its_clicks_and_names_a_test_that_exists() -> None:
    tests = {test for test, _ in named()}
    assert {name: most for name, (_, most, _) in WRITTEN.items()} == dict(FLOWS), "run: make flows"
    assert [name for name, (clicks, most, test) in WRITTEN.items() if clicks > most or test not in tests] == []


def test_no_flow_stands_under_two_subjects_and_every_promise_is_of_a_flow() -> None:
    assert len(FLOWS) == sum(len(flows) for flows in SUBJECTS.values())
    assert FLOWS.keys() >= PROMISED_SECONDS.keys()


def test_a_page_is_read_back_as_it_was_written() -> None:
    counted = {"clicks": 1, "seconds": 2.34, "test": "tests/e2e/test_x.py::test_y"}
    text = flow_page.render({name: {**counted, "flow": name} for name in FLOWS})
    assert flow_page.rows(text) == {name: (1, most, "test_x::test_y") for name, most in FLOWS.items()}
    assert "| 2.3 of 180 |" in text
