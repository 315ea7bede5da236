"""How cost grows: the same measurements of one installation while it grows, and each as a ratio to the first."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg

from exchange.snapshot import Snapshots
from partners import selectors
from portal.embedded.addresses import SUPERUSER
from tests.bench import population
from tests.bench.ours import Ours
from tests.bench.session import Session
from tests.bench.tables import GROWTH, facts, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import psutil

    from tests.bench.generator import Generator
    from tests.bench.stage import Stage

CALLERS = 16
STARTS = 3
CHANGES = 7
ROOM = 20 * 2**30
FEWER = 1_000_000
"""Tokens at most where the disk has less room."""

METHOD = Path(__file__).with_name("scale.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One size of the installation and what things cost there: seconds, and multiples of the crypto floor."""

    mappings: int
    tokens: int
    start: float
    """CPU seconds to read the whole configuration, as a process does that starts."""
    pick_up: float
    """Seconds until a process that follows the configuration has a change of one partner."""
    memory: float
    """Bytes of the largest process of the server."""
    exchange: float
    introspection: float

    def ratios(self, first: Step) -> dict[str, float]:
        """Each cost beside that of the smallest size."""
        return {name: getattr(self, name) / getattr(first, name) for name in COSTS}


COSTS = ("start", "pick_up", "memory", "exchange", "introspection")


@dataclass(slots=True, kw_only=True)
class Growing:
    """One installation that grows, with its server running all the time."""

    stage: Stage
    issuer: str
    generator: Generator
    seconds: int
    rounds: int
    warm_up: int = 1
    """Seconds before the first round at each size, not counted; 0 where figures are not what is wanted."""
    say: Callable[[str], None]

    def steps(self, mappings: Iterable[int], tokens: int) -> Iterator[Step]:
        """The sizes in turn: mappings first, then the same with tokens in the tables."""
        ours, people = Ours(self.stage, self.issuer), population.Population(self.issuer)
        exchange = ours.contender(key="exchange", name="exchange", lines=people.bodies, subject="RS256")
        session = Session(self.stage, [exchange, ours.introspection()], self.generator)
        for size in mappings:
            people.grow(size)
            yield self._step(session, people, 0)
        with self._connection() as connection:
            population.fill(connection, tokens)
        yield self._step(session, people, tokens)

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        """What the installation's tables hold."""
        with self._connection() as connection:
            return connection.execute(query).fetchall()

    def _connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.stage.services.postgres.url(SUPERUSER, _database()), autocommit=True)

    def _step(self, session: Session, people: population.Population, tokens: int) -> Step:
        self.say(f"{people.mappings:,} mappings, {tokens:,} tokens")
        start, pick_up = asyncio.run(_reading(people))
        if self.warm_up:
            session.warm_up((CALLERS,), self.warm_up)
        for _ in range(self.rounds):
            session.round((CALLERS,), self.seconds, self.say)
        exchange, introspection = (_floors(session, contender.name, self.rounds) for contender in session.contenders)
        return Step(
            mappings=people.mappings,
            tokens=tokens,
            start=start,
            pick_up=pick_up,
            memory=_memory(session.contenders[0].root),
            exchange=exchange,
            introspection=introspection,
        )


def _floors(session: Session, name: str, last: int) -> float:
    """CPU of an answer in multiples of the floor of its own round: the machine's speed drifts between two sizes."""
    values = zip(session.rounds[-last:], session.floors[-last:], strict=True)
    return median(cells[name, CALLERS].cost.total / floor.micros("RS256") for cells, floor in values)


def _memory(root: psutil.Process) -> float:
    return max(process.memory_info().rss for process in root.children(recursive=True))


async def _reading(people: population.Population) -> tuple[float, float]:
    """What reading costs: all of it, and then what one change moved."""
    starts = []
    for _ in range(STARTS):
        snapshots, began = Snapshots(), time.process_time()
        await snapshots.catch_up()
        starts.append(time.process_time() - began)
    changes = []
    for _ in range(CHANGES):
        await asyncio.to_thread(people.change_one)
        epoch = await asyncio.to_thread(selectors.epoch)
        began = time.monotonic()
        await snapshots.catch_up(epoch)
        changes.append(time.monotonic() - began)
    return median(starts), median(changes)


def _database() -> str:
    from django.db import connection  # noqa: PLC0415 - the database in use now

    return str(connection.settings_dict["NAME"])


def affordable(tokens: int, directory: Path) -> int:
    """So many tokens, or fewer where the disk has no room for them."""
    return tokens if tokens <= FEWER or shutil.disk_usage(directory).free >= ROOM else FEWER


def markdown(steps: list[Step], told: dict[str, str]) -> str:
    """The section of the page of figures."""
    head = ["mappings", "tokens in the tables", "start: CPU s", "change: ms", "memory: MB", "exchange: CPU / floor"]
    head += ["introspection: CPU / floor"]
    figures = [
        [
            *_size(step),
            f"{step.start:.3f}",
            f"{step.pick_up * 1000:.1f}",
            f"{step.memory / 1e6:,.0f}",
            f"{step.exchange:.2f}",
            f"{step.introspection:.2f}",
        ]
        for step in steps
    ]
    ratios = [[*_size(step), *(f"{ratio:.2f}" for ratio in step.ratios(steps[0]).values())] for step in steps]
    parts = [GROWTH, METHOD.read_text(encoding="utf-8"), facts(told), table(head, figures)]
    parts += [
        "As ratios to the smallest:",
        table(["mappings", "tokens", "start", "change", "memory", "exchange", "introspection"], ratios),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _size(step: Step) -> list[str]:
    return [f"{step.mappings:,}", f"{step.tokens:,}"]
