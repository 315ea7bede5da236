"""Ending process groups in stages, politely first, SIGKILL last. Standard library only: the watchdog uses it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterable

POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A process group we started. Higher stages end first: what uses the database before the database."""

    id: int
    stage: int
    signals: tuple[signal.Signals, ...]


def is_alive(group_id: int) -> bool:
    """Whether a process of the group runs. A zombie does not: nobody may be left to collect it."""
    return any(_group_of_running(entry.name) == group_id for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _group_of_running(pid: str) -> int | None:
    try:
        state, _parent, group = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
    except OSError:
        return None
    return None if state in {"Z", "X"} else int(group)


def send(group_id: int, number: signal.Signals) -> None:
    """Signal every process of the group; a group that is gone needs none."""
    try:
        os.killpg(group_id, number)
    except (ProcessLookupError, PermissionError):
        return


def stop(groups: Iterable[Group], *, grace: float, collect: Callable[[], object], hurry: Callable[[], bool]) -> None:
    """End the groups stage by stage and return when none is left.

    ``collect`` reaps children between looks; ``hurry`` cuts every grace short (a second Ctrl-C).
    """
    left = list(groups)
    for stage in sorted({group.stage for group in left}, reverse=True):
        running = [group for group in left if group.stage == stage]
        for step in range(max((len(group.signals) for group in running), default=0)):
            _escalate(running, step, grace=grace, collect=collect, hurry=hurry)
    collect()


def _escalate(
    groups: list[Group], step: int, *, grace: float, collect: Callable[[], object], hurry: Callable[[], bool]
) -> None:
    waiting = [group for group in groups if step < len(group.signals) and is_alive(group.id)]
    for group in waiting:
        send(group.id, group.signals[step])
    deadline = time.monotonic() + grace
    while waiting and time.monotonic() < deadline:
        collect()
        waiting = [group for group in waiting if is_alive(group.id) and not _may_be_cut_short(group, step, hurry)]
        time.sleep(POLL_SECONDS if waiting else 0)


def _may_be_cut_short(group: Group, step: int, hurry: Callable[[], bool]) -> bool:
    """The last signal is not negotiable, so there is nothing to hurry on to after it."""
    return step < len(group.signals) - 1 and hurry()
