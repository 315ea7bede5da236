"""A small process that cleans up when its parent is killed: ``python -m portal.embedded.watchdog``.

The kernel's parent-death signal reaches only direct children, and only politely. This process learns of the death by
the end of its standard input, then ends whole process groups and removes temporary directories.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, cast

from portal.embedded.stopping import Group, stop

GRACE_SECONDS: Final = 5.0
ROOT: Final = Path(__file__).resolve().parents[2]


class Watchdog:
    """The parent's end. Tell it of every group before anything else can go wrong; closing it ends it."""

    def __init__(self, *, environment: dict[str, str], keep_open: tuple[int, ...] = ()) -> None:
        """``keep_open`` are file descriptors it holds until it is done: the lock of the installation."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "portal.embedded.watchdog"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=keep_open,
        )

    def watch(self, group: Group) -> None:
        """End this group when we are gone."""
        self._tell({"watch": group.id, "stage": group.stage, "signals": [int(number) for number in group.signals]})

    def forget(self, group_id: int) -> None:
        """The group has ended; its number may come to belong to somebody else."""
        self._tell({"forget": group_id})

    def remove(self, directory: Path) -> None:
        """Delete this directory when we are gone."""
        self._tell({"remove": str(directory)})

    def close(self) -> None:
        """Let it finish: it ends what is still watched, removes what is to be removed, and exits."""
        cast("IO[bytes]", self._process.stdin).close()
        self._process.wait()

    def bury(self) -> None:
        """Collect a watchdog that somebody killed."""
        with suppress(BrokenPipeError):
            cast("IO[bytes]", self._process.stdin).close()
        self._process.wait()

    def _tell(self, message: dict[str, object]) -> None:
        stdin = cast("IO[bytes]", self._process.stdin)
        stdin.write(json.dumps(message).encode() + b"\n")
        stdin.flush()


def main() -> None:
    """Collect what the parent says until it is gone, then clean up. Ctrl-C and the like are the parent's business."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, Group] = {}
    directories: list[Path] = []
    for line in sys.stdin:
        message = json.loads(line)
        if "watch" in message:
            signals = tuple(signal.Signals(number) for number in message["signals"])
            groups[message["watch"]] = Group(id=message["watch"], stage=message["stage"], signals=signals)
        elif "forget" in message:
            groups.pop(message["forget"], None)
        else:
            directories.append(Path(message["remove"]))
    stop(groups.values(), grace=GRACE_SECONDS, collect=lambda: None, hurry=lambda: False)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
