"""Which tests hold which rule and which attack, as pytest collects them: once a run, whichever worker asks first."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """The names of the tests of each rule, by its number, and of each attack, by its row."""

    rules: dict[int, set[str]]
    attacks: dict[str, set[str]]


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
