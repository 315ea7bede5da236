"""Medians, ratios and gates of a session. A ratio is taken within each round, then the median over the rounds."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.contenders import Contender
    from tests.bench.floor import Floor
    from tests.bench.session import Measurement, Session

SUBJECT = "RS256"
"""The subject token of the exchange that most gates are about; the assertion and our token are ES256."""


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


def _rate(measured: Measurement) -> float:
    return measured.rate


def _processor(measured: Measurement) -> float:
    return measured.cost.total


def _slowest(measured: Measurement) -> float:
    return measured.sent.p95


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is divided by what: a figure of our exchange by the same figure of another contender, or by the floor."""

    name: str
    figure: Callable[[Measurement], float]
    other: str = ""
    """The other contender's key; none: the floor."""


KINDS = (
    Kind(name="throughput / django-oauth-toolkit", figure=_rate, other="toolkit"),
    Kind(name="throughput / django-oauth-toolkit as shipped", figure=_rate, other="toolkit-shipped"),
    Kind(name="throughput / oidc-provider", figure=_rate, other="oidc-provider"),
    Kind(name="throughput / its cluster", figure=_rate, other="oidc-provider-cluster"),
    Kind(name="CPU / crypto floor", figure=_processor),
    Kind(name="CPU / oidc-provider", figure=_processor, other="oidc-provider"),
    Kind(name="p95 / oidc-provider", figure=_slowest, other="oidc-provider"),
)

Ratios: TypeAlias = dict[tuple[str, int, str], float]
"""By the subject token's algorithm, the number of callers, and the kind; what was not measured is not there."""


def ratios(session: Session) -> Ratios:
    """For each kind of exchange of ours at each concurrency."""
    levels = sorted({connections for _, connections in session.rounds[0]})
    found: Ratios = {}
    for contender in session.contenders:
        for connections in levels if contender.subject else ():
            for kind in KINDS:
                values = list(_values(session, contender, connections, kind))
                if values:
                    found[contender.subject, connections, kind.name] = median(values)
    return found


def _values(session: Session, ours: Contender, connections: int, kind: Kind) -> list[float]:
    """The ratio in each round; none where the other was not measured at this concurrency."""
    others = [contender.name for contender in session.contenders if kind.other and contender.key == kind.other]
    values = []
    for cells, floor in zip(session.rounds, session.floors, strict=True):
        divisor = _divisor(cells, floor, others, (ours, connections), kind)
        if divisor is not None:
            values.append(kind.figure(cells[ours.name, connections]) / divisor)
    return values


def _divisor(
    cells: dict[tuple[str, int], Measurement],
    floor: Floor,
    others: list[str],
    cell: tuple[Contender, int],
    kind: Kind,
) -> float | None:
    ours, connections = cell
    if not kind.other:
        return floor.micros(ours.subject)
    measured = [cells[name, connections] for name in others if (name, connections) in cells]
    return kind.figure(measured[0]) if measured else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A limit for one ratio at one number of callers, and what we aim for."""

    kind: str
    connections: int
    limit: float
    aim: float
    is_least: bool
    """Whether the limit is the least that will do, or the most."""
    subject: str = SUBJECT

    def verdict(self, found: Ratios) -> str:
        """Met, missed, or not measured in this run."""
        value = self.value(found)
        if value is None:
            return "not measured"
        return "met" if (value >= self.limit if self.is_least else value <= self.limit) else "missed"

    def value(self, found: Ratios) -> float | None:
        """The ratio that it is about."""
        return found.get((self.subject, self.connections, self.kind))


WHOLE = "ES256"
"""The subject token of the exchange whose processor time has a limit: three ES256 signatures (decision 19)."""

GATES = (
    Gate(kind="throughput / django-oauth-toolkit", connections=64, limit=5, aim=8, is_least=True),
    Gate(kind="throughput / oidc-provider", connections=64, limit=1.5, aim=2, is_least=True),
    Gate(kind="CPU / crypto floor", connections=64, limit=3.3, aim=2.3, is_least=False, subject=WHOLE),
    Gate(kind="p95 / oidc-provider", connections=16, limit=1, aim=0.7, is_least=False),
    Gate(kind="p95 / oidc-provider", connections=64, limit=0.8, aim=0.55, is_least=False),
)
