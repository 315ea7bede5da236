"""Where the embedded services run. Standard library only: ``make run`` asks before it installs anything."""

from __future__ import annotations

import platform
import sys
from typing import Final

from portal.embedded.refusals import CannotStart

INSTEAD: Final = "or set DATABASE_URL and REDIS_URL to use your own PostgreSQL and Redis."
MACHINES: Final = frozenset({"x86_64", "aarch64"})


def refuse_foreign_platform() -> None:
    """Raises ``CannotStart`` where no wheel carries the servers."""
    system, machine = platform.system(), platform.machine()
    library = platform.libc_ver()[0]
    if system != "Linux" or machine not in MACHINES or library != "glibc":
        here = " ".join(filter(None, (system, machine, library)))
        raise CannotStart(
            f"The embedded services run on Linux with glibc (x86_64, aarch64), and this is {here}:"
            f" use such a machine, {INSTEAD}"
        )


if __name__ == "__main__":
    try:
        refuse_foreign_platform()
    except CannotStart as problem:
        sys.exit(str(problem))
