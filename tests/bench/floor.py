"""The crypto floor: the CPU time of the signatures of one exchange by the bare primitives, in this session.

Measured on all cores at once, one process per core (``python -m tests.bench.floor``), as the contenders run: two busy
cores share caches and clock, and a floor measured on an idle machine would be one that nobody under load can have.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from statistics import median
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Operations: TypeAlias = "dict[str, Callable[[], object]]"

MESSAGE = b"." * 420
"""As long as a compact token's signing input."""

REPEATS = 9
AT_ONCE = 200

_ECDSA = ec.ECDSA(SHA256())


class Cores:
    """A process per core that measures when it is told to."""

    def __init__(self) -> None:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        command = [sys.executable, "-m", "tests.bench.floor"]
        self._processes = [subprocess.Popen(command, **pipes) for _ in os.sched_getaffinity(0)]

    def samples(self) -> dict[str, list[float]]:
        """CPU microseconds of each operation, of all processes at the same time."""
        pipes = [_pipes(process) for process in self._processes]
        for told, _ in pipes:
            told.write("measure\n")
            told.flush()
        answers: list[dict[str, list[float]]] = [json.loads(said.readline()) for _, said in pipes]
        return {name: [sample for answer in answers for sample in answer[name]] for name in answers[0]}

    def close(self) -> None:
        """End the processes: their input is over."""
        for process in self._processes:
            process.communicate()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


class Floor:
    """Measured several times per round, since the machine's speed moves while the benchmark runs."""

    def __init__(self, cores: Cores) -> None:
        self._cores = cores
        self.samples: dict[str, list[float]] = {}

    def measure(self) -> None:
        """Add samples of every operation."""
        for name, samples in self._cores.samples().items():
            self.samples.setdefault(name, []).extend(samples)

    def micros(self, subject: str) -> float:
        """CPU microseconds of one exchange with a subject token of this algorithm: two verifications, one signature."""
        return sum(median(self.samples[name]) for name in (f"verify {subject}", "verify ES256", "sign ES256"))


def main() -> None:
    """Measure at each line of standard input; one line of JSON each."""
    operations = _operations()
    for _ in sys.stdin:
        sys.stdout.write(json.dumps(_measured(operations)) + "\n")
        sys.stdout.flush()


def _operations() -> Operations:
    elliptic = ec.generate_private_key(ec.SECP256R1())
    classic = rsa.generate_private_key(65537, 2048)
    es256, rs256 = elliptic.sign(MESSAGE, _ECDSA), classic.sign(MESSAGE, padding.PKCS1v15(), SHA256())
    elliptic_public, classic_public = elliptic.public_key(), classic.public_key()
    return {
        "sign ES256": lambda: elliptic.sign(MESSAGE, _ECDSA),
        "verify ES256": lambda: elliptic_public.verify(es256, MESSAGE, _ECDSA),
        "verify RS256": lambda: classic_public.verify(rs256, MESSAGE, padding.PKCS1v15(), SHA256()),
    }


def _measured(operations: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Interleaved, so that a moment of another program's does not fall on one operation alone."""
    samples: dict[str, list[float]] = {name: [] for name in operations}
    for _ in range(REPEATS):
        for name, operation in operations.items():
            samples[name].append(_micros(operation, AT_ONCE))
    return samples


def _micros(operation: Callable[[], object], count: int) -> float:
    started = time.thread_time()
    for _ in range(count):
        operation()
    return (time.thread_time() - started) / count * 1e6


if __name__ == "__main__":
    main()
