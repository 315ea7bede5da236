"""A target in its child process: started, awaited, and what it found told in words that lead back to it."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import Self

ROOT: Final = Path(__file__).resolve().parents[2]
TARGETS: Final = ("verifier", "expressions", "assertions", "proofs", "certificates", "forms", "documents")
GRACE_SECONDS: Final = 120
"""Beyond its time: to start, and to end its last input, on a machine that does other work."""

_LAST_LINES: Final = 40


@dataclass
class Run:
    """One child. ``keep`` is where the inputs go that found something."""

    target: str
    seconds: int
    keep: Path
    process: subprocess.Popen[str]

    @classmethod
    def start(cls, target: str, seconds: int, keep: Path, *arguments: str) -> Self:
        """Start fuzzing a target; every run makes random choices of its own, which the output names."""
        command = [sys.executable, "-m", "tests.fuzz.child", target, "--seconds", str(seconds), "--keep", str(keep)]
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        return cls(target, seconds, keep, process)

    def finding(self) -> str:
        """What it found, once its time is over; empty for nothing."""
        try:
            output, _ = self.process.communicate(timeout=self.seconds + GRACE_SECONDS)
        finally:
            self.stop()
        if self.process.returncode == 0 or self._was_done(output):
            return ""
        told = [f"{self.target} ended with {self.process.returncode}", *output.splitlines()[-_LAST_LINES:]]
        return "\n".join([*told, *map(self._again, sorted(self.keep.iterdir()))])

    def _was_done(self, output: str) -> bool:
        """It was at its end: the fuzzer's timer still runs while Python ends, which listens to no signal by then."""
        is_late = self.process.returncode == -signal.SIGALRM and "stat::number_of_executed_units" in output
        return is_late and not any(self.keep.iterdir())

    def stop(self) -> None:
        """End the process, if it is still there."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _again(self, found: Path) -> str:
        command = f"python -m tests.fuzz.child {self.target} --keep {self.keep} --again {found}"
        return f"{found.name}: {found.read_bytes()!r}\nRun it again: {command}"
