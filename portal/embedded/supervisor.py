"""The supervisor: starts programs, restarts those that die, and stops all of them in order."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from portal.embedded.console import say
from portal.embedded.interruptions import Interruptions, Stopped
from portal.embedded.processes import Program, last_lines, start
from portal.embedded.refusals import CannotStart
from portal.embedded.stopping import Group, send, stop
from portal.embedded.watchdog import Watchdog

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

SERVICES: Final = 0
APPLICATION: Final = 1
"""Stages: what is in a higher one is stopped first."""

LOOK_SECONDS: Final = 0.1
GRACE_SECONDS: Final = 10.0
STEADY_SECONDS: Final = 60.0
LONGEST_PAUSE_SECONDS: Final = 30.0


@dataclass(slots=True)
class Child:
    """A program and its present process."""

    program: Program
    stage: int
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)
    deaths: int = 0
    restart_at: float | None = None

    @property
    def group(self) -> Group:
        """Its process group."""
        return Group(id=self.process.pid, stage=self.stage, signals=self.program.signals)


class Supervisor:
    """Every process we start, for as long as it lives. Leaves none behind, whichever way it ends itself."""

    def __init__(
        self,
        interruptions: Interruptions,
        *,
        watchdog_environment: dict[str, str],
        lock: int,
        grace: float = GRACE_SECONDS,
    ) -> None:
        """``lock`` is a descriptor the watchdog holds open as well, until it has cleaned up after us."""
        self._grace = grace
        self._interruptions = interruptions
        self._make_watchdog = partial(Watchdog, environment=watchdog_environment, keep_open=(lock,))
        self._watchdog = self._make_watchdog()
        self._children: list[Child] = []

    def start(self, program: Program, stage: int) -> None:
        """Start a program and keep it running from now on. Raises ``CannotStart``."""
        child = Child(program, stage, self._launch(program))
        self._children.append(child)
        self._watch(child)

    def complete(self, program: Program) -> None:
        """Run a program to its end. Raises ``CannotStart`` when it fails, ``Stopped`` when asked to stop."""
        child = Child(program, APPLICATION, self._launch(program))
        self._children.append(child)
        self._watch(child)
        while child.process.poll() is None:
            self._pause()
        self._children.remove(child)
        self._clear(child)
        if child.process.returncode != 0:
            raise CannotStart(_epitaph(program, child.process.returncode))

    def wait_for(self, name: str, is_ready: Callable[[], bool], *, patience: float) -> None:
        """Wait until a started program does its work.

        Raises ``CannotStart`` when it dies first or takes too long, ``Stopped`` when asked to stop.
        """
        child = next(child for child in self._children if child.program.name == name)
        deadline = time.monotonic() + patience
        while not is_ready():
            if child.process.poll() is not None:
                raise CannotStart(_epitaph(child.program, child.process.returncode))
            if time.monotonic() > deadline:
                raise CannotStart(f"{name} is not ready after {patience:.0f} s: its log is {child.program.log}.")
            self._pause()

    def keep_running(self) -> None:
        """Look after the children until somebody asks us to stop."""
        while not self._interruptions.is_asked:
            for child in self._children:
                self._look_after(child)
            self._interruptions.pause(LOOK_SECONDS)

    def stop(self) -> None:
        """End all children, last stage first, then the watchdog. A second wish to stop cuts the grace short."""
        stop(
            [child.group for child in self._children],
            grace=self._grace,
            collect=self._reap,
            hurry=self._interruptions.is_urgent,
        )
        for child in self._children:
            self._forget(child)
        self._watchdog.close()

    def _launch(self, program: Program) -> subprocess.Popen[bytes]:
        try:
            return start(program)
        except OSError as error:
            raise CannotStart(f"{program.name} cannot be started: {error}") from error

    def _pause(self) -> None:
        if self._interruptions.is_asked:
            raise Stopped
        self._interruptions.pause(LOOK_SECONDS / 2)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.restart_at is not None:
            if now >= child.restart_at:
                self._restart(child)
        elif child.process.poll() is not None:
            self._mourn(child, now)
        elif child.deaths and now - child.started > STEADY_SECONDS:
            child.deaths = 0

    def _mourn(self, child: Child, now: float) -> None:
        """A program died: end what is left of its group, say so, and plan its restart."""
        self._clear(child)
        pause = min(2.0**child.deaths, LONGEST_PAUSE_SECONDS)
        child.deaths += 1
        child.restart_at = now + pause
        say(f"{_epitaph(child.program, child.process.returncode)}\n  It starts again in {pause:.0f} s.")

    def _restart(self, child: Child) -> None:
        child.process, child.started, child.restart_at = self._launch(child.program), time.monotonic(), None
        self._watch(child)

    def _clear(self, child: Child) -> None:
        send(child.process.pid, signal.SIGKILL)
        self._forget(child)

    def _watch(self, child: Child) -> None:
        self._tell(lambda: self._watchdog.watch(child.group))

    def _forget(self, child: Child) -> None:
        self._tell(lambda: self._watchdog.forget(child.process.pid))

    def _tell(self, message: Callable[[], None]) -> None:
        """A watchdog that died is replaced, and told of everything again."""
        try:
            message()
        except BrokenPipeError:
            self._watchdog.bury()
            self._watchdog = self._make_watchdog()
            for child in self._children:
                if child.process.poll() is None:
                    self._watchdog.watch(child.group)

    def _reap(self) -> None:
        for child in self._children:
            child.process.poll()


def _epitaph(program: Program, code: int) -> str:
    how = f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
    lines = "".join(f"\n    {line}" for line in last_lines(program.log))
    return f"{program.name} stopped ({how}). The end of {os.path.relpath(program.log)}:{lines}"
