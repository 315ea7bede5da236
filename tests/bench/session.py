"""One session: every contender at every concurrency, again and again in turn, with the floor measured in between.

In turn, because the speed of a shared machine drifts: what is compared was measured within seconds of each other.
Every answer is checked: its status, and its row where it leaves one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.bench import processor_time
from tests.bench.contenders import measured_at
from tests.bench.floor import Floor
from tests.bench.ours import PERIOD
from tests.bench.stage import PROCESSES

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from tests.bench.contenders import Contender, Tally
    from tests.bench.generator import Generator, Sent
    from tests.bench.stage import Stage

LEAST = 1500.0
"""Requests a second that are prepared for at least: one slow second, as the first is, foretells nothing."""

SPARE = 3.0
"""How many times the bodies of a cell's fastest measurement are prepared: a shared machine may double its speed."""


BUSY = 0.3
"""Of a core: what a server uses at most while nothing is in flight."""

PAUSE = 0.1


class Wrong(RuntimeError):
    """An answer was not the one it should be, or left no row: figures about wrong answers are worth nothing."""


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

    def warm_up(self, concurrency: tuple[int, ...], seconds: int = 1) -> None:
        """Let every process import, compile and connect; not counted."""
        for contender in self.contenders:
            self._measure(contender, max(measured_at(contender, concurrency), default=1), seconds)

    def round(self, concurrency: tuple[int, ...], seconds: int, say: Callable[[str], None]) -> None:
        """One round over all cells."""
        floor, cells = Floor(self.stage.cores), dict[tuple[str, int], Measurement]()
        for connections in concurrency:
            floor.measure()
            for contender in self.contenders:
                if connections in measured_at(contender, concurrency):
                    measured = self._measure(contender, connections, seconds)
                    cells[contender.name, connections] = measured
                    micros = f"{measured.cost.total:.0f} CPU µs each"
                    say(f"  {contender.name}, {connections}: {measured.rate:.0f}/s, {micros}")
        floor.measure()
        self.rounds.append(cells)
        self.floors.append(floor)

    def _measure(self, contender: Contender, connections: int, seconds: int) -> Measurement:
        seconds, lines = max(seconds, contender.least_seconds), self.stage.directory / "lines"
        cell = contender.name, connections
        rate = self._rates.get(cell, 3000.0 * PROCESSES)
        lines.write_bytes(b"\n".join(contender.lines(int(rate * seconds * SPARE) + 500)) + b"\n")
        tally = contender.tally() if contender.tally else None
        before = self._accounts(contender)
        sent = self.generator(contender, lines, connections, seconds)
        self._settle(contender)
        after = self._accounts(contender)
        surplus = _checked(contender, sent, connections, tally)
        self._rates[cell] = max(self._rates.get(cell, LEAST), sent.answers / sent.seconds)
        micros = [(end - start) / (sent.answers + surplus) * 1e6 for start, end in zip(before, after, strict=True)]
        cost = Cost(server=micros[0], postgres=micros[1], redis=micros[2])
        return Measurement(sent=sent, cost=cost, surplus=surplus)

    def _settle(self, contender: Contender) -> None:
        """Wait until nothing is in flight: the generator leaves, the server finishes what it has begun."""
        last = processor_time.seconds(contender.root)
        while True:
            time.sleep(PAUSE)
            now = processor_time.seconds(contender.root)
            if now - last < BUSY * PAUSE:
                return
            last = now

    def _accounts(self, contender: Contender) -> tuple[float, float, float]:
        """CPU seconds so far: server, PostgreSQL, Redis."""
        postmaster, redis = self.stage.stores
        return processor_time.seconds(contender.root), processor_time.seconds(postmaster), processor_time.seconds(redis)


def _checked(contender: Contender, sent: Sent, connections: int, tally: Tally | None) -> int:
    """How many answers came after the generator's time was over. Raises ``Wrong``."""
    rows = tally() if tally else None
    answers = sent.answers if rows is None else rows.total()
    surplus = answers - sent.answers
    refused = 0 if rows is None else answers - rows[""]
    is_right = (
        sent.answers > 0
        and sent.lost == sent.unexpected == 0
        and 0 <= surplus <= connections
        and 0 <= refused - sent.refused <= connections
        and (rows is None or _are_shared(rows, contender, connections))
    )
    if not is_right:
        raise Wrong(f"{contender.name}, {connections} connections: {sent}; rows: {rows}")
    return surplus


def _are_shared(rows: Counter[str], contender: Contender, connections: int) -> bool:
    """Whether every kind of answer has its share, but for the one period of the mix that the end cut."""
    if not rows.keys() <= contender.shares.keys():
        return False
    total, spare = rows.total(), 0 if len(contender.shares) == 1 else PERIOD + connections
    return all(abs(rows[kind] - share * total) <= spare + 1e-6 for kind, share in contender.shares.items())
