"""The test services themselves: a test run leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.embedded.conftest import ROOT, eventually, remaining
from tests.services import RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAITING = """
import time
def test_that_waits(services):
    print("VAR", services.postgres.places.var, flush=True)
    time.sleep(600)
"""
PASSING = """
def test_that_passes(services):
    print("VAR", services.postgres.places.var, flush=True)
"""
TRANSACTIONAL = """
import pytest
@pytest.mark.django_db(transaction=True)
def test_with_the_marker(): pass
def test_with_the_fixture(transactional_db): pass
def test_with_the_live_server(live_server): pass
@pytest.mark.django_db
def test_that_rolls_back(): pass
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start pytest, with services of its own, on one file."""
    started: list[subprocess.Popen[str]] = []

    def start(source: str) -> subprocess.Popen[str]:
        file = tmp_path / "test_inner.py"
        file.write_text(source)
        options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
        for plugin in (
            "django",
            "hypothesispytest",
            "randomly",
            "xdist",
        ):  # nothing of theirs is needed: a quicker start
            options += ["-p", f"no:{plugin}"]
        command = [sys.executable, "-m", "pytest", "-q", "-s", *options, str(file)]
        without = {RUN, "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"}
        environment = {name: value for name, value in os.environ.items() if name not in without}
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=heed_interrupts,  # noqa: PLW1509
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def heed_interrupts() -> None:
    """A shell starts its background jobs deaf to Ctrl-C, and they pass it on; Python then leaves it so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def state_directory(process: subprocess.Popen[str]) -> Path:
    assert process.stdout
    for line in process.stdout:
        if line.startswith("VAR "):
            return Path(line.split()[1])
    raise AssertionError("the inner run did not get that far")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_no_process_and_no_directory(
    run: Callable[[str], subprocess.Popen[str]], number: signal.Signals
) -> None:
    process = run(WAITING)
    var = state_directory(process)
    assert len(remaining(var)) > 2
    process.send_signal(number)
    assert process.wait(120) != 0
    eventually(lambda: remaining(var) == [] and not var.exists(), within=60)


def test_a_finished_run_leaves_no_process_and_no_directory(run: Callable[[str], subprocess.Popen[str]]) -> None:
    process = run(PASSING)
    var = state_directory(process)
    assert process.wait(120) == 0
    assert remaining(var) == []
    assert not var.exists()


def test_tests_that_would_truncate_are_refused_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "test_inner.py"
    file.write_text(TRANSACTIONAL)
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # our own services serve it
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout
    said = done.stdout + done.stderr
    assert "use the fixture committed_database instead" in said
    for name in ("test_with_the_marker", "test_with_the_fixture", "test_with_the_live_server"):
        assert name in said
    assert "test_that_rolls_back" not in said
