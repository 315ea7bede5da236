"""One supervisor per installation, and no lock that outlives its holder."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from portal.embedded.lock import InstallationLock, holder
from portal.embedded.refusals import CannotStart
from tests.embedded.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from portal.embedded.lock import InstallationLock
lock = InstallationLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def holding(var: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(var)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_supervisor_is_refused_and_told_who_is_first(var: Path) -> None:
    with holding(var) as first:
        assert holder(var) == first.pid
        with pytest.raises(CannotStart, match=rf"already \(process {first.pid}\): `make stop`"):
            InstallationLock(var)
        first.kill()


def test_the_lock_of_a_killed_supervisor_is_free(var: Path) -> None:
    with holding(var) as first:
        first.kill()
    assert holder(var) is None
    lock = InstallationLock(var)
    assert holder(var) == os.getpid()
    lock.release()


def test_releasing_leaves_no_file(var: Path) -> None:
    InstallationLock(var).release()
    assert list(var.iterdir()) == []
    assert holder(var) is None


def test_a_number_in_an_unlocked_file_is_nobody(var: Path) -> None:
    (var / "supervisor.lock").write_text(f"{os.getppid()}\n")
    assert holder(var) is None


def test_a_start_waits_for_the_watchdog_of_a_killed_supervisor(var: Path) -> None:
    path = var / "supervisor.lock"
    path.write_text("4194304\n")  # above the highest process id there is
    descriptor = os.open(path, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    command = [sys.executable, "-c", HOLD, str(var)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as second:
        assert second.stdout
        assert second.stdout.readline().startswith("Waiting for a previous run")
        os.close(descriptor)
        assert second.stdout.readline() == "held\n"
        assert holder(var) == second.pid
        second.kill()
