"""The conformance table as a pytest plugin: which tests hold up which rule, and how they went.

``-p tests.conformance_report --conformance FILE`` writes the page after a run; ``--conformance-index FILE`` writes the
names alone, as JSON, for the test that compares the page with the code.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conformance import page

if TYPE_CHECKING:
    from tests.conformance.page import Results

PROPERTY = "rule"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the page and the index go."""
    group = parser.getgroup("conformance")
    group.addoption("--conformance", metavar="FILE", help="write the table of rules, tests and results")
    group.addoption("--conformance-index", metavar="FILE", help="write the names of the tests of each rule")


def pytest_configure(config: pytest.Config) -> None:
    """One recorder per process; only the one that sees all reports writes."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config.option.conformance, config.option.conformance_index))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Send the rules of a test along with its reports, also from another process."""
    numbers = {mark.args[0] for mark in item.iter_markers("rule")}
    item.user_properties.extend((PROPERTY, number) for number in sorted(numbers))


def name_of(nodeid: str) -> str:
    """A test's name without its case: ``protocol/test_form::test_x``."""
    return nodeid.partition("[")[0].removeprefix("tests/").replace(".py", "", 1)


@dataclass(eq=False)
class Recorder:
    """What the run showed: for each rule and test, how often it ended in which way."""

    page: str | None
    index: str | None
    results: Results = field(default_factory=lambda: defaultdict(lambda: defaultdict(Counter)))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The names, before anything runs."""
        names: dict[int, set[str]] = defaultdict(set)
        for item in session.items:
            for key, number in item.user_properties:
                if key == PROPERTY and isinstance(number, int):
                    names[number].add(name_of(item.nodeid))
        if self.index:
            listed = {str(number): sorted(tests) for number, tests in sorted(names.items())}
            Path(self.index).write_text(json.dumps(listed), encoding="utf-8")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test: its call counts, and so does a set-up or tear-down that failed."""
        if report.when == "call" or report.outcome == "failed":
            for key, number in report.user_properties:
                if key == PROPERTY and isinstance(number, int):
                    self.results[number][name_of(report.nodeid)][outcome_of(report)] += 1

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """The page, once all tests ran; not after a run that was broken off."""
        if self.page and exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            Path(self.page).write_text(page.render(self.results), encoding="utf-8")


def outcome_of(report: pytest.TestReport) -> str:
    """Passed, failed, skipped, or a known gap (a failure that was expected, with its reason)."""
    return "known gap" if hasattr(report, "wasxfail") else report.outcome
