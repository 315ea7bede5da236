"""``manage.py up``: start everything, keep it running, stop it in order. Needs no Django, and does not wait for it."""

from __future__ import annotations

import argparse
import os
import signal
import time
from typing import TYPE_CHECKING, Final

from portal.embedded import accounts, directories, environment, installation, leftovers
from portal.embedded.console import complain, say
from portal.embedded.demo_run import demo_run
from portal.embedded.interruptions import Interruptions, Stopped
from portal.embedded.lock import InstallationLock, holder
from portal.embedded.postgres import SIGNALS
from portal.embedded.processes import MARKER, MINIMAL_PATH, tie_to_parent
from portal.embedded.provided_run import provided_run
from portal.embedded.refusals import CannotStart
from portal.embedded.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from portal.embedded.demo_run import DemoRun
    from portal.embedded.provided_run import ProvidedRun

STOP_SECONDS: Final = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--port", type=int, help="the web server's port; the demo partner gets the next one")
    parser.add_argument("--reset", action="store_true", help="throw the data of earlier runs away first")
    parser.add_argument("--stop", action="store_true", help="stop the run of another shell instead")
    parser.add_argument("--with-parent", action="store_true", help="stop when the process that started this one dies")


def main(arguments: Sequence[str]) -> int:
    """Run the command; answers its exit code."""
    parser = argparse.ArgumentParser(prog="manage.py up", description=__doc__)
    add_arguments(parser)
    options = parser.parse_args(arguments)
    if options.with_parent:
        tie_to_parent(signal.SIGTERM, parent=os.getppid())
    return run(port=options.port, reset=options.reset, stop=options.stop)


def run(*, port: int | None, reset: bool, stop: bool) -> int:
    """Start or stop the installation of this checkout. A problem is one message and the exit code 1."""
    var = installation.state_directory()
    try:
        if stop:
            return _stop_other(var)
        return _up(var, port=port, reset=reset)
    except CannotStart as problem:
        complain(str(problem))
        return 1


def _up(var: Path, *, port: int | None, reset: bool) -> int:
    embedded = environment.is_embedded(os.environ)
    account = accounts.service_account() if embedded else accounts.own_account()
    interruptions = Interruptions()
    directories.make_var(var, account)
    lock = InstallationLock(var)
    try:
        leftovers.stop_leftovers(*installation.homes(var), server_signals=SIGNALS)
        if reset:
            installation.forget(var)
        prepared = demo_run(var, account, port) if embedded else provided_run(var, port)
        _supervise(prepared, interruptions, lock)
    finally:
        lock.release()
    return 0


def _supervise(prepared: DemoRun | ProvidedRun, interruptions: Interruptions, lock: InstallationLock) -> None:
    marked = {"PATH": MINIMAL_PATH, MARKER: str(prepared.var)}
    supervisor = Supervisor(interruptions, watchdog_environment=marked, lock=lock.descriptor)
    try:
        prepared.start(supervisor)
        supervisor.keep_running()
    except Stopped:
        pass
    finally:
        say("Stopping ...")
        supervisor.stop()
        prepared.tidy()
        say("Stopped.")


def _stop_other(var: Path) -> int:
    pid = holder(var)
    if pid is None:
        say("Handover is not running here.")
        return 0
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError:
        raise CannotStart(f"Process {pid} belongs to another user: stop it as that user.") from None
    deadline = time.monotonic() + STOP_SECONDS
    while holder(var) == pid:
        if time.monotonic() > deadline:
            raise CannotStart(f"Process {pid} has not stopped within {STOP_SECONDS:.0f} s.")
        time.sleep(0.1)
    say("Stopped.")
    return 0
