"""What the person at the terminal reads. A terminal that went away must not stop us from stopping."""

from __future__ import annotations

import sys
from contextlib import suppress


def say(line: str = "") -> None:
    """Print one line now, if there is still somebody to print it for."""
    with suppress(OSError, ValueError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def complain(line: str) -> None:
    """Print one line as an error."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
