"""Medians and ratios of a session. A ratio is taken within each round, then the median over the rounds."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.contenders import Contender
    from tests.bench.session import Measurement, Session

GATE_CONNECTIONS = 64
LEAST_THROUGHPUT = 5.0
"""Times django-oauth-toolkit's."""

MOST_PROCESSOR = 3.5
"""Times the crypto floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cell's medians. Rates per second, milliseconds, CPU microseconds per answer."""

    contender: str
    connections: int
    rate: float
    p50: float
    p95: float
    p99: float
    server: float
    postgres: float
    redis: float
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratios:
    """What the gates look at, for one kind of exchange at one concurrency."""

    contender: str
    connections: int
    throughput: float
    """Ours / django-oauth-toolkit's."""
    processor: float
    """CPU of an exchange (server, PostgreSQL and Redis) / the crypto floor."""

    @property
    def is_fast(self) -> bool:
        """Whether the gate of throughput is met."""
        return self.throughput >= LEAST_THROUGHPUT

    @property
    def is_lean(self) -> bool:
        """Whether the gate of processor time is met."""
        return self.processor <= MOST_PROCESSOR

    @property
    def passes(self) -> bool:
        """Whether both gates are met."""
        return self.is_fast and self.is_lean


def rows(session: Session) -> list[Row]:
    """A row per cell."""
    return [_row(session, *cell) for cell in session.rounds[0]]


def _row(session: Session, contender: str, connections: int) -> Row:
    def middle(figure: Callable[[Measurement], float]) -> float:
        return median(figure(cells[contender, connections]) for cells in session.rounds)

    return Row(
        contender=contender,
        connections=connections,
        rate=middle(lambda measured: measured.rate),
        p50=middle(lambda measured: measured.sent.p50),
        p95=middle(lambda measured: measured.sent.p95),
        p99=middle(lambda measured: measured.sent.p99),
        server=middle(lambda measured: measured.cost.server),
        postgres=middle(lambda measured: measured.cost.postgres),
        redis=middle(lambda measured: measured.cost.redis),
        total=middle(lambda measured: measured.cost.total),
    )


def floors(session: Session) -> dict[str, float]:
    """The crypto floor in CPU microseconds, by the subject token's algorithm."""
    subjects = {contender.subject for contender in session.contenders if contender.subject}
    return {subject: median(floor.micros(subject) for floor in session.floors) for subject in sorted(subjects)}


def ratios(session: Session) -> list[Ratios]:
    """For each of our contenders at each concurrency."""
    ours = [contender for contender in session.contenders if contender.subject]
    (other,) = (contender for contender in session.contenders if not contender.subject)
    levels = sorted({connections for _, connections in session.rounds[0]})
    return [_ratios(session, contender, other, connections) for contender in ours for connections in levels]


def _ratios(session: Session, ours: Contender, other: Contender, connections: int) -> Ratios:
    throughput, processor = [], []
    for cells, floor in zip(session.rounds, session.floors, strict=True):
        measured = cells[ours.name, connections]
        throughput.append(measured.rate / cells[other.name, connections].rate)
        processor.append(measured.cost.total / floor.micros(ours.subject))
    return Ratios(
        contender=ours.name, connections=connections, throughput=median(throughput), processor=median(processor)
    )
