"""Which tests hold which rule and which attack, as a pytest plugin: a run of all tests has them before it.

A run of some tests has them collected in a process of its own, once, whichever worker asks first.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """The names of the tests of each rule, by its number, and of each attack, by its row."""

    rules: dict[int, set[str]]
    attacks: dict[str, set[str]]


ALL = pytest.StashKey[Indexes]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before any is deselected: the long ones hold rules too."""
    if config.args == config.getini("testpaths") and not config.getoption("ignore"):
        config.stash[ALL] = _of(items)


def known(config: pytest.Config, directory: Path) -> Indexes:
    """Those of the tests that this run has collected, if these are all; else what ``collected`` answers."""
    return config.stash[ALL] if ALL in config.stash else collected(directory)


def _of(items: Iterable[pytest.Item]) -> Indexes:
    indexes = Indexes(rules=defaultdict(set), attacks=defaultdict(set))
    for item in items:
        _note(indexes.rules, item, "rule")
        _note(indexes.attacks, item, "attack")
    return indexes


def _note(index: dict[Any, set[str]], item: pytest.Item, name: str) -> None:
    from tests.conformance_report import name_of  # noqa: PLC0415 - a plugin itself: pytest loads it where it is asked for

    for mark in item.iter_markers(name):
        for key in mark.args[:1] if name == "rule" else mark.args:
            index[key].add(name_of(item.nodeid))


def collected(directory: Path) -> Indexes:
    """What the first caller for this directory collects, in a process of its own that starts no services."""
    rules, attacks = directory / "rules.json", directory / "attacks.json"
    with (directory / "indexes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not attacks.exists():
            _collect(rules, attacks)
    listed: dict[str, list[str]] = json.loads(rules.read_text(encoding="utf-8"))
    rows: dict[str, list[str]] = json.loads(attacks.read_text(encoding="utf-8"))
    return Indexes(
        rules={int(number): set(tests) for number, tests in listed.items()},
        attacks={row: set(tests) for row, tests in rows.items()},
    )


def _collect(rules: Path, attacks: Path) -> None:
    options = ["--collect-only", "-q", "-m", "rule or attack", "-p", "no:cacheprovider"]
    options += ["-p", "tests.conformance_report", "--conformance-index", str(rules)]
    options += ["-p", "tests.attack_report", "--attack-index", str(attacks)]
    options += ["-o", "addopts=--strict-markers --import-mode=importlib", "tests"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings.test", "PYTHONDEVMODE": ""}
    command = [sys.executable, "-m", "pytest", *options]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"the tests cannot be collected: {run.stdout[-4000:]}")
