"""One supervisor per installation: a lock the kernel drops with its last holder, however that one ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from portal.embedded.console import say
from portal.embedded.refusals import CannotStart

PATIENCE_SECONDS: Final = 20.0
"""For a previous run whose supervisor was killed and whose watchdog is still cleaning up."""


class InstallationLock:
    """The lock file of an installation, with the process id of the supervisor in it; removed with the lock."""

    def __init__(self, var: Path) -> None:
        """Takes the lock. Raises ``CannotStart`` when another supervisor holds it."""
        self._path = var / "supervisor.lock"
        self._has_waited = False
        self.descriptor = self._take()
        os.truncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Remove the file while it is still ours, then let go."""
        self._path.unlink(missing_ok=True)
        os.close(self.descriptor)

    def _take(self) -> int:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (descriptor := self._try()) is None:
            pid = holder(self._path.parent)
            if pid is not None:
                raise CannotStart(f"Handover runs in this checkout already (process {pid}): `make stop` stops it.")
            if time.monotonic() > deadline:
                raise CannotStart(f"A previous run has not finished cleaning up: see who holds {self._path}.")
            if not self._has_waited:
                say("Waiting for a previous run that was killed and is cleaned up after ...")
                self._has_waited = True
            time.sleep(0.05)
        return descriptor

    def _try(self) -> int | None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if _lock(descriptor) and _is_still_at(self._path, descriptor):
            return descriptor
        os.close(descriptor)
        return None


def holder(var: Path) -> int | None:
    """The process id of the supervisor of an installation; ``None`` when none is alive."""
    try:
        descriptor = os.open(var / "supervisor.lock", os.O_RDWR)
    except OSError:
        return None
    try:
        text = os.pread(descriptor, 20, 0).strip()
        is_held = not _lock(descriptor)
    finally:
        os.close(descriptor)
    # A number in a file that nobody locks may by now belong to any process.
    return int(text) if is_held and text.isdigit() and Path(f"/proc/{int(text)}").exists() else None


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still_at(path: Path, descriptor: int) -> bool:
    """Whether the file was not removed, by the one who had the lock before us, between opening and locking it."""
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
