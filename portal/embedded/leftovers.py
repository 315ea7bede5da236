"""Processes that a killed supervisor and a killed watchdog left behind, found by the marker in their environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from portal.embedded.processes import GENTLY, MARKER
from portal.embedded.stopping import Group, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

GRACE_SECONDS: Final = 5.0


def processes_of(var: Path) -> Iterator[int]:
    """The ids of all running processes of an installation, as far as this user may look."""
    marker = f"{MARKER}={var}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if marker in environment:
            yield int(entry.name)


def stop_leftovers(var: Path) -> None:
    """End them; the caller holds the lock of the installation, so they belong to nobody."""
    groups = set()
    for pid in processes_of(var):
        try:
            groups.add(os.getpgid(pid))
        except ProcessLookupError:
            continue
    groups.discard(os.getpgid(0))
    stop(
        (Group(id=group, stage=0, signals=GENTLY) for group in groups),
        grace=GRACE_SECONDS,
        collect=lambda: None,
        hurry=lambda: False,
    )
