"""The supervisor: nothing it started outlives it, whoever misbehaves and however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from portal.embedded import leftovers
from portal.embedded.postgres import SIGNALS
from portal.embedded.processes import MARKER
from tests.embedded.conftest import ROOT, eventually, remaining
from tests.embedded.driver import GRACE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.embedded.conftest import Driven

    Drive = Callable[..., Driven]

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
DEAF = (
    "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; print('up', flush=True);"
    " time.sleep(600)"
)
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {DEAF!r}])
print("up parent", flush=True)
time.sleep(600)
"""
SHORT_LIVED = "print('born', flush=True); import sys; print('the reason', flush=True); sys.exit(3)"
FAREWELL = """
import pathlib, signal, sys, time
def leave(*_):
    with open("order", "a") as order: order.write(sys.argv[0] and NAME + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(600)
"""


def all_up(driven: Driven, *names: str) -> None:
    driven.says("running")
    eventually(lambda: all("up" in driven.log(name) for name in names))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_way_of_asking_stops_everything(drive: Drive, var: Path, number: signal.Signals) -> None:
    driven = drive(one=SLEEPER, two=SLEEPER)
    all_up(driven, "one", "two")
    assert len(remaining(var)) == 3  # and the watchdog
    driven.send(number)
    assert driven.process.wait(30) == 0
    assert remaining(var) == []


def test_a_program_that_ignores_every_polite_signal_is_killed(drive: Drive, var: Path) -> None:
    driven = drive(deaf=DEAF)
    all_up(driven, "deaf")
    driven.send(signal.SIGTERM)
    assert driven.process.wait(60) == 0
    assert remaining(var) == []


def test_asking_twice_does_not_wait_for_the_grace(drive: Drive, var: Path) -> None:
    driven = drive(deaf=DEAF)
    all_up(driven, "deaf")
    driven.send(signal.SIGINT)
    driven.says("stopping")
    asked = time.monotonic()
    driven.send(signal.SIGINT)
    assert driven.process.wait(30) == 0
    assert time.monotonic() - asked < GRACE_SECONDS
    assert remaining(var) == []


def test_grandchildren_go_with_their_parent(drive: Drive, var: Path) -> None:
    driven = drive(family=PARENT)
    all_up(driven, "family")
    eventually(lambda: len(remaining(var)) == 3)
    driven.send(signal.SIGTERM)
    assert driven.process.wait(60) == 0
    assert remaining(var) == []


def test_what_uses_the_services_is_stopped_before_them(drive: Drive, var: Path) -> None:
    programs = {name: f"NAME = {name!r}\n{FAREWELL}" for name in ("service_database", "web", "worker")}
    driven = drive(**programs)
    all_up(driven, *programs)
    driven.send(signal.SIGTERM)
    assert driven.process.wait(30) == 0
    order = (var / "order").read_text(encoding="utf-8").split()
    assert set(order[:2]) == {"web", "worker"}
    assert order[2:] == ["service_database"]


def test_a_killed_supervisor_leaves_nothing(drive: Drive, var: Path) -> None:
    driven = drive(service_one=SLEEPER, family=PARENT, deaf=DEAF)
    all_up(driven, "service_one", "family", "deaf")
    driven.send(signal.SIGKILL)
    driven.process.wait(10)
    eventually(lambda: remaining(var) == [], within=60)


def test_what_even_the_watchdog_could_not_end_is_found_at_the_next_start(drive: Drive, var: Path) -> None:
    driven = drive(family=PARENT, deaf=DEAF)
    all_up(driven, "family", "deaf")
    (watchdog,) = [pid for pid in remaining(var) if "watchdog" in _command(pid)]
    driven.send(signal.SIGSTOP)  # so that it does not replace the watchdog
    os.kill(watchdog, signal.SIGKILL)
    driven.send(signal.SIGKILL)
    driven.process.wait(10)
    eventually(lambda: watchdog not in remaining(var))
    assert remaining(var) != []  # the kernel's signal is a polite one, and they are deaf
    leftovers.stop_leftovers(var, server_signals=SIGNALS)
    assert remaining(var) == []


def test_a_process_that_is_tied_to_its_parent_dies_with_it(var: Path) -> None:
    tied = (
        "import os, signal, time; from portal.embedded.processes import tie_to_parent;"
        " tie_to_parent(signal.SIGTERM, parent=os.getppid()); print(os.getpid(), flush=True); time.sleep(600)"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {tied!r}])"
    command, environment = [sys.executable, "-c", parent], {"PATH": os.environ["PATH"], MARKER: str(var)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        assert child in remaining(var)
        process.kill()
    eventually(lambda: remaining(var) == [])


def test_a_watchdog_that_was_killed_is_replaced(drive: Drive, var: Path) -> None:
    driven = drive(mortal=SHORT_LIVED, family=PARENT)
    all_up(driven, "family")
    watchdogs = [pid for pid in remaining(var) if "watchdog" in _command(pid)]
    assert len(watchdogs) == 1
    os.kill(watchdogs[0], signal.SIGKILL)
    eventually(lambda: [pid for pid in remaining(var) if "watchdog" in _command(pid) and pid not in watchdogs])
    driven.send(signal.SIGKILL)
    driven.process.wait(10)
    eventually(lambda: remaining(var) == [], within=60)


def test_a_program_that_dies_is_started_again_and_its_last_words_are_shown(drive: Drive) -> None:
    driven = drive(mortal=SHORT_LIVED)
    driven.says("mortal stopped (exit code 3)")
    assert "the reason" in driven.says("the reason")
    assert "1 s" in driven.says("starts again")
    assert "2 s" in driven.says("starts again")
    assert "4 s" in driven.says("starts again")
    assert driven.log("mortal").count("born") == 3


def test_what_a_dead_program_leaves_running_is_ended_before_it_starts_again(drive: Drive, var: Path) -> None:
    driven = drive(family=PARENT)
    all_up(driven, "family")
    eventually(lambda: len(remaining(var)) == 3)
    (parent,) = [pid for pid in remaining(var) if "subprocess" in _command(pid)]
    os.kill(parent, signal.SIGKILL)
    driven.says("family stopped (killed by SIGKILL)")
    eventually(lambda: driven.log("family").count("parent") == 2)
    eventually(lambda: len(remaining(var)) == 3)


def test_being_stopped_while_starting_leaves_nothing(drive: Drive, var: Path) -> None:
    driven = drive(one=SLEEPER, once_slow=DEAF)
    eventually(lambda: "up" in driven.log("once_slow"))
    driven.send(signal.SIGTERM)
    driven.says("stopped while starting")
    assert driven.process.wait(60) == 0
    assert remaining(var) == []


def test_a_step_that_fails_stops_what_was_started_and_says_why(drive: Drive, var: Path) -> None:
    driven = drive(one=SLEEPER, once_failing=SHORT_LIVED, never=SLEEPER)
    assert "once_failing stopped (exit code 3)" in driven.says("cannot start")
    assert "the reason" in driven.says("the reason")
    assert driven.process.wait(30) == 0
    assert remaining(var) == []
    assert not (var / "never.log").exists()


def _command(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""
