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
    from collections.abc import Callable

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
TRANSACTIONAL = {
    "marker": "import pytest\n@pytest.mark.django_db(transaction=True)\ndef test_it(): pass",
    "fixture": "def test_it(transactional_db): pass",
    "live server": "def test_it(live_server): pass",
}


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], subprocess.Popen[str]]:
    """Start pytest, with services of its own, on one file."""

    def start(source: str) -> subprocess.Popen[str]:
        file = tmp_path / "test_inner.py"
        file.write_text(source)
        options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", "-q", "-s", *options, str(file)]
        without = {RUN, "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"}
        environment = {name: value for name, value in os.environ.items() if name not in without}
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=heed_interrupts,  # noqa: PLW1509
        )

    return start


def heed_interrupts() -> None:
    """A shell starts its background jobs deaf to Ctrl-C, and they pass it on; Python then leaves it so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def state_directory(process: subprocess.Popen[str]) -> Path:
    assert process.stdout
    for line in process.stdout:
        if line.startswith("VAR "):
            return Path(line.split()[1])
    raise AssertionError("the inner run did not get that far")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_no_process_and_no_directory(
    run: Callable[[str], subprocess.Popen[str]], number: signal.Signals
) -> None:
    with run(WAITING) as process:
        var = state_directory(process)
        assert len(remaining(var)) >= 2
        process.send_signal(number)
    eventually(lambda: remaining(var) == [] and not var.exists(), within=60)


def test_a_finished_run_leaves_no_process_and_no_directory(run: Callable[[str], subprocess.Popen[str]]) -> None:
    with run(PASSING) as process:
        var = state_directory(process)
    assert process.returncode == 0
    assert remaining(var) == []
    assert not var.exists()


@pytest.mark.parametrize("source", TRANSACTIONAL.values(), ids=TRANSACTIONAL)
def test_a_test_that_would_truncate_is_refused_with_the_way_out(tmp_path: Path, source: str) -> None:
    file = tmp_path / "test_inner.py"
    file.write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # our own services serve it
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout
    assert "use the fixture committed_database instead" in done.stdout + done.stderr
