"""A place in memory for what may die with the machine: a database is hundreds of files, and a disk's files cost."""

from __future__ import annotations

import os
import shutil
from typing import Final

_MEMORY: Final = "/dev/shm"
_ROOM: Final = 3 << 30


def folder() -> str | None:
    """The directory to make temporary ones in; None, the usual one, where memory is short or nothing may run there."""
    try:
        has_room = shutil.disk_usage(_MEMORY).free >= _ROOM
        return _MEMORY if has_room and _may_run(_MEMORY) and os.access(_MEMORY, os.W_OK) else None
    except OSError:
        return None


def _may_run(place: str) -> bool:
    return not os.statvfs(place).f_flag & os.ST_NOEXEC
