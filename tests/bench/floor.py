"""The crypto floor: the CPU time of the signatures of one exchange by the bare primitives, in this session."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE = b"." * 420
"""As long as a compact token's signing input."""

_ECDSA = ec.ECDSA(SHA256())


class Floor:
    """Measured once per round, since the machine's speed moves while the benchmark runs."""

    def __init__(self) -> None:
        elliptic = ec.generate_private_key(ec.SECP256R1())
        classic = rsa.generate_private_key(65537, 2048)
        es256, rs256 = elliptic.sign(MESSAGE, _ECDSA), classic.sign(MESSAGE, padding.PKCS1v15(), SHA256())
        elliptic_public, classic_public = elliptic.public_key(), classic.public_key()
        self._operations: dict[str, Callable[[], object]] = {
            "sign ES256": lambda: elliptic.sign(MESSAGE, _ECDSA),
            "verify ES256": lambda: elliptic_public.verify(es256, MESSAGE, _ECDSA),
            "verify RS256": lambda: classic_public.verify(rs256, MESSAGE, padding.PKCS1v15(), SHA256()),
        }
        self.samples: dict[str, list[float]] = {name: [] for name in self._operations}

    def measure(self, *, repeats: int = 9, operations: int = 200) -> None:
        """Add samples of every operation, interleaved."""
        for _ in range(repeats):
            for name, operation in self._operations.items():
                self.samples[name].append(_micros(operation, operations))

    def micros(self, subject: str) -> float:
        """CPU microseconds of one exchange with a subject token of this algorithm: two verifications, one signature."""
        return sum(median(self.samples[name]) for name in (f"verify {subject}", "verify ES256", "sign ES256"))


def _micros(operation: Callable[[], object], count: int) -> float:
    started = time.thread_time()
    for _ in range(count):
        operation()
    return (time.thread_time() - started) / count * 1e6
