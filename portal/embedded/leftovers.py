"""Processes that a killed supervisor and a killed watchdog left behind, found by what only processes of ours have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from portal.embedded.processes import GENTLY, MARKER
from portal.embedded.stopping import Group, stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from signal import Signals

GRACE_SECONDS: Final = 5.0
SERVERS: Final = frozenset({"postgres", "initdb", "redis-server"})


def processes_of(*homes: Path) -> Iterator[int]:
    """The ids of all running processes of an installation, by its state and temporary directory.

    Ours carry the marker in their environment. The servers overwrite their environment with a title, so they are known
    by their program and the directory they work in. Only what this user may look at is found.
    """
    markers = {f"{MARKER}={home}".encode() for home in homes}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if markers & set((entry / "environ").read_bytes().split(b"\0")) or _is_server_in(entry, homes):
                yield int(entry.name)
        except OSError:
            continue


def stop_leftovers(*homes: Path, server_signals: tuple[Signals, ...]) -> None:
    """End them; the caller holds the lock of the installation, so they belong to nobody."""
    groups: dict[int, Group] = {}
    for pid in processes_of(*homes):
        try:
            is_server = _is_server_in(Path("/proc") / str(pid), homes)
            number = os.getpgid(pid)
        except OSError:
            continue
        groups[number] = Group(id=number, stage=0 if is_server else 1, signals=server_signals if is_server else GENTLY)
    groups.pop(os.getpgid(0), None)
    stop(groups.values(), grace=GRACE_SECONDS, collect=lambda: None, hurry=lambda: False)


def _is_server_in(entry: Path, homes: tuple[Path, ...]) -> bool:
    if (entry / "exe").readlink().name not in SERVERS:
        return False
    directory = (entry / "cwd").readlink()
    return any(directory.is_relative_to(home) for home in homes)
