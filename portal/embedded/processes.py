"""Child processes that cannot outlive us: own session, log file, and a signal from the kernel when we die."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from portal.embedded.accounts import Account

PR_SET_PDEATHSIG: Final = 1
PRCTL: Final = ctypes.CDLL(None).prctl
GENTLY: Final = (signal.SIGTERM, signal.SIGKILL)
IMMEDIATELY: Final = (signal.SIGQUIT, signal.SIGKILL)
"""For data that need not survive: no farewell."""

MARKER: Final = "HANDOVER_EMBEDDED"
"""In the environment of every process of an installation, so that what a crash left behind can be found again."""

MINIMAL_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program to run. ``signals`` end it, each given a grace; the kernel sends the first when the parent dies."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    directory: Path
    log: Path
    account: Account
    signals: tuple[signal.Signals, ...] = GENTLY


def start(program: Program) -> subprocess.Popen[bytes]:
    """Start it as the leader of its own session, so that Ctrl-C reaches only us and we stop things in order."""
    with program.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - the commands are ours
            program.command,
            cwd=program.directory,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            preexec_fn=partial(tie_to_parent, program.signals[0], parent=os.getpid()),  # noqa: PLW1509 - no other way
            **program.account.process_options(),
        )


def tie_to_parent(death_signal: signal.Signals, *, parent: int) -> None:
    """Have the kernel send this process a signal when its parent dies; at once, if that has happened already.

    A change of user clears it (prctl(2)), so it comes after that.
    """
    PRCTL(PR_SET_PDEATHSIG, int(death_signal))
    if os.getppid() != parent:
        os.kill(os.getpid(), death_signal)


def service_environment(var: Path) -> dict[str, str]:
    """What PostgreSQL and Redis may know: nothing of ours, and whose they are."""
    return {"PATH": MINIMAL_PATH, "LANG": "C", "LC_ALL": "C", "TZ": "UTC", MARKER: str(var)}


def last_lines(log: Path, count: int = 8) -> list[str]:
    """The end of a log file, for a message about the program that wrote it."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 16_384))
            return file.read().decode("utf-8", "replace").splitlines()[-count:]
    except OSError:
        return []


def rotate(directory: Path) -> None:
    """Keep the logs of the last run beside those of this one."""
    for log in directory.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))
