"""The load generator: wrk, which costs a tenth of what one in Python does; and one in Python, for its absence.

Both send prepared requests over keep-alive connections for a number of seconds and say what came back.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tests.load import under_load

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.contenders import Contender

SCRIPT = Path(__file__).with_name("request.lua")
TIMEOUT = "30s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one cell's callers saw; percentiles in milliseconds."""

    answers: int
    refused: int
    unexpected: int
    """Answers without the text that each must contain."""
    lost: int
    seconds: float
    p50: float
    p95: float
    p99: float


Generator: TypeAlias = "Callable[[Contender, Path, int, int], Sent]"
"""Sends a contender the prepared lines of a file, over a number of connections, for a number of seconds."""


def chosen() -> tuple[str, Generator]:
    """The generator to use, with its name."""
    return ("wrk", by_wrk) if shutil.which("wrk") else ("Python", by_python)


def by_wrk(contender: Contender, lines: Path, connections: int, seconds: int) -> Sent:
    """wrk with one thread. It drops what is unanswered at the end: up to one answer per connection is not counted."""
    options = ["--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--timeout", TIMEOUT]
    command = ["wrk", *options, "--script", str(SCRIPT), f"http://127.0.0.1:{contender.port}", "--"]
    command += [contender.method, contender.path, str(lines), contender.expected]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    said = done.stdout.rstrip().rpartition("\n")[2]
    if done.returncode or not said.startswith("{"):
        raise RuntimeError(f"wrk ended with {done.returncode} and said: {done.stdout}{done.stderr}")
    figures = json.loads(said)
    return Sent(seconds=figures.pop("micros") / 1e6, **figures)


def by_python(contender: Contender, lines: Path, connections: int, seconds: int) -> Sent:
    """Our own callers, in a thread. Every request that was sent is waited for."""
    lock, rest = threading.Lock(), iter(lines.read_bytes().splitlines())

    def line() -> bytes:
        with lock:
            return next(rest)

    started = time.monotonic()
    with under_load(contender.port, line, connections, path=contender.path, method=contender.method) as load:
        time.sleep(seconds)
    told = load.told
    millis = sorted(answer.seconds * 1000 for answer in told)
    return Sent(
        answers=sum(answer.status != 0 for answer in told),
        refused=sum(answer.status not in {0, 200} for answer in told),
        unexpected=sum(answer.status != 0 and contender.expected.encode() not in answer.body for answer in told),
        lost=sum(answer.status == 0 for answer in told),
        seconds=time.monotonic() - started,
        p50=_percentile(millis, 50),
        p95=_percentile(millis, 95),
        p99=_percentile(millis, 99),
    )


def _percentile(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
