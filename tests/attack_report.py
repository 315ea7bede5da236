"""The marks of attacks as a pytest plugin: ``--attack-index FILE`` writes which tests hold which row."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conformance_report import name_of

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the index goes."""
    parser.addoption("--attack-index", metavar="FILE", help="write the names of the tests of each attack")


def pytest_collection_finish(session: pytest.Session) -> None:
    """The names, before anything runs."""
    target = session.config.getoption("--attack-index")
    names: dict[str, set[str]] = defaultdict(set)
    for item in session.items:
        for mark in item.iter_markers("attack"):
            for row in mark.args:
                names[row].add(name_of(item.nodeid))
    if target:
        Path(target).write_text(json.dumps({row: sorted(tests) for row, tests in names.items()}), encoding="utf-8")
