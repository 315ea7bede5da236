"""One session: every contender at every concurrency, again and again in turn, with the floor measured in between.

In turn, because the speed of a shared machine drifts: what is compared was measured within seconds of each other.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.bench import processor_time
from tests.bench.floor import Floor
from tests.bench.stage import PROCESSES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.contenders import Contender
    from tests.bench.generator import Generator, Sent
    from tests.bench.stage import Stage

SPARE = 1.7
"""How many more bodies are prepared than the last measurement of a cell used."""


class Wrong(RuntimeError):
    """An answer was refused or lost, or left no row: figures about wrong answers are worth nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU microseconds per answer: of the server's processes, of PostgreSQL's and of Redis."""

    server: float
    postgres: float
    redis: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.server + self.postgres + self.redis


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One cell of one round. ``surplus`` rows belong to requests in flight when the generator's time was over."""

    sent: Sent
    cost: Cost
    surplus: int

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.sent.answers / self.sent.seconds


@dataclass(slots=True)
class Session:
    """The rounds, as they are measured. Keys of a round are a contender's name and a number of connections."""

    stage: Stage
    contenders: list[Contender]
    generator: Generator
    rounds: list[dict[tuple[str, int], Measurement]] = field(default_factory=list)
    floors: list[Floor] = field(default_factory=list)
    _rates: dict[tuple[str, int], float] = field(default_factory=dict)

    def warm_up(self, connections: int) -> None:
        """Let every process import, compile and connect; not counted."""
        for contender in self.contenders:
            self._measure(contender, connections, 1)

    def round(self, concurrency: tuple[int, ...], seconds: int, say: Callable[[str], None]) -> None:
        """One round over all cells."""
        floor, cells = Floor(), dict[tuple[str, int], Measurement]()
        for connections in concurrency:
            floor.measure()
            for contender in self.contenders:
                measured = self._measure(contender, connections, seconds)
                cells[contender.name, connections] = measured
                say(f"  {contender.name}, {connections}: {measured.rate:.0f}/s, {measured.cost.total:.0f} CPU µs each")
        floor.measure()
        self.rounds.append(cells)
        self.floors.append(floor)

    def _measure(self, contender: Contender, connections: int, seconds: int) -> Measurement:
        bodies = self.stage.directory / "bodies"
        rate = self._rates.get((contender.name, connections), 3000.0 * PROCESSES)
        bodies.write_bytes(b"\n".join(contender.bodies(int(rate * seconds * SPARE) + 500)) + b"\n")
        rows, before = contender.rows(), self._accounts(contender)
        sent = self.generator(contender.path, contender.port, bodies, connections, seconds)
        granted, others = _settled(contender.rows)
        after = self._accounts(contender)
        surplus = granted - rows[0] - sent.answers
        if sent.refused or sent.lost or others != rows[1] or not 0 <= surplus <= connections:
            raise Wrong(f"{contender.name}, {connections} connections: {sent}; rows {rows} became {(granted, others)}")
        self._rates[contender.name, connections] = sent.answers / sent.seconds
        micros = [(end - start) / (sent.answers + surplus) * 1e6 for start, end in zip(before, after, strict=True)]
        cost = Cost(server=micros[0], postgres=micros[1], redis=micros[2])
        return Measurement(sent=sent, cost=cost, surplus=surplus)

    def _accounts(self, contender: Contender) -> tuple[float, float, float]:
        """CPU seconds so far: server, PostgreSQL, Redis."""
        postmaster, redis = self.stage.services.postgres_processes()[0], self.stage.services.redis_process()
        return processor_time.seconds(contender.root), processor_time.seconds(postmaster), processor_time.seconds(redis)


def _settled(rows: Callable[[], tuple[int, int]]) -> tuple[int, int]:
    """The rows once nothing is in flight any more: the generator leaves, the server finishes what it has begun."""
    last = rows()
    while True:
        time.sleep(0.1)
        now = rows()
        if now == last:
            return now
        last = now
