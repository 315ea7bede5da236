"""Supervisors over small programs that misbehave on purpose, and the accounts the services can be run as."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from portal.embedded import accounts, leftovers
from portal.embedded.processes import MARKER
from tests import in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True, scope="session")
def _hang_ups_are_heard() -> Iterator[None]:
    """Children inherit what their parent ignores, as tests do that run under ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def eventually(condition: Callable[[], Any], *, within: float = 60.0) -> Any:
    """Wait until it holds; answers what it answered."""
    deadline = time.monotonic() + within
    while not (answer := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return answer


def remaining(*homes: Path | None) -> list[int]:
    """The processes of the installation that still run."""
    return [pid for pid in leftovers.processes_of(*filter(None, homes)) if _runs(pid)]


def _runs(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def var() -> Iterator[Path]:
    """A state directory; whatever a failed test leaves running there is ended."""
    directory = Path(tempfile.mkdtemp(prefix="handover-test-", dir=in_memory.folder()))
    directory.chmod(0o711)
    yield directory
    for pid in remaining(directory):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


@dataclass
class Driven:
    """A supervisor in a process of its own, over the programs of a test."""

    process: subprocess.Popen[str]
    var: Path

    def says(self, words: str) -> str:
        """Read what it prints until a line has the words."""
        assert self.process.stdout is not None
        seen = []
        for line in self.process.stdout:
            seen.append(line)
            if words in line:
                return line
        raise AssertionError(f"it never said {words!r}: {''.join(seen)}")

    def log(self, name: str) -> str:
        """What a program wrote."""
        path = self.var / f"{name}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@pytest.fixture
def drive(var: Path) -> Iterator[Callable[..., Driven]]:
    """Start a supervisor over programs given as Python source, by name."""
    started: list[subprocess.Popen[str]] = []

    def start(**sources: str) -> Driven:
        command = [sys.executable, "-m", "tests.embedded.driver", str(var), json.dumps(sources)]
        environment = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return Driven(process, var)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def unprivileged() -> accounts.Account:
    """An account that is not root's: our own, or ``nobody``."""
    return accounts.service_account()


@contextmanager
def readable_folder(mode: int = 0o755) -> Iterator[Path]:
    """A temporary folder that every account may enter (pytest's own are for their owner alone)."""
    folder = Path(tempfile.mkdtemp(prefix="handover-test-", dir=in_memory.folder()))
    folder.chmod(mode)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


__all__ = ["MARKER", "ROOT", "Driven", "eventually", "readable_folder", "remaining", "unprivileged"]
