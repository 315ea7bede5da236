"""CPU time of whole process trees, from the kernel's accounts of them."""

from __future__ import annotations

from contextlib import suppress

import psutil


def seconds(root: psutil.Process) -> float:
    """User and system time of a process and all its descendants, those that ended included.

    A child that ended is in its parent's account once the parent has collected it.
    """
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
