"""Who is measured: a path that is asked, prepared requests for it, and what every answer must have left behind.

Each server has as many processes as the machine has cores, but for the one line that says otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import psutil

Tally: TypeAlias = Callable[[], Counter[str]]
"""The rows that answers left since the tally was begun: by the reason of a refusal, or the empty text of a grant."""

GRANTED = {"": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One endpoint under measurement."""

    key: str
    """What ``--only`` calls it."""
    name: str
    port: int
    path: str
    root: psutil.Process
    lines: Callable[[int], Iterable[bytes]]
    """Prepared requests: the bodies of a POST, or the bearer tokens of a GET."""
    tally: Callable[[], Tally] | None = None
    """Begins to count rows; None where an answer leaves none."""
    shares: Mapping[str, float] = field(default_factory=lambda: GRANTED)
    """Of all answers, by reason as the tally has it."""
    subject: str = ""
    """The algorithm of the subject token, where the line is an exchange of ours: it decides the crypto floor."""
    method: str = "POST"
    expected: str = ""
    """What the body of every answer must contain."""
    callers: tuple[int, ...] = ()
    """The numbers of callers at which it is measured; none: all."""
    least_seconds: int = 0
    """For an endpoint that is too slow for the run's seconds."""


def measured_at(contender: Contender, concurrency: Iterable[int]) -> tuple[int, ...]:
    """The numbers of callers of this run at which a contender is measured."""
    return tuple(callers for callers in concurrency if not contender.callers or callers in contender.callers)
