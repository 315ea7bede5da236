"""How many answers share a batch: what arrives in passes of the loop that follow each other goes together."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg

from exchange import ledger as ledgers
from exchange.entries import Entry, refused_entry
from exchange.ledger import Ledger
from exchange.ledger_connection import LedgerConnection
from exchange.protocol.errors import refusal
from exchange.trail import Trail
from policy.reasons import Reason, Rule
from portal.database.connections import connection_parameters

if TYPE_CHECKING:
    import pytest


def _entry(epoch: int) -> Entry:
    error = refusal(Reason.PARAMETER_MISSING, Rule.REQUEST, "grant_type", "absent")
    return refused_entry(error, Trail(correlation_id=str(uuid4())), epoch=epoch, now=datetime.now(UTC))


def _epoch(url: str) -> int:
    with psycopg.connect(url) as connection:
        ((epoch,),) = connection.execute("SELECT epoch FROM partners_registry").fetchall()
        return int(epoch)


class _Counting(LedgerConnection):
    """A connection that remembers how many answers each of its calls carried."""

    def __init__(self, url: str) -> None:
        super().__init__(connection_parameters(url))
        self.sizes: list[int] = []

    async def call(self, parameters: list[bytes]) -> str:
        self.sizes.append(parameters[1].count(b"\x1f") + 1)
        return await super().call(parameters)


async def _sizes(url: str, count: int) -> list[int]:
    """The batches of entries that come one by one, each a pass of the loop after the other."""
    connection = _Counting(url)
    await connection.open()
    ledger = Ledger(connection, lambda: datetime.now(UTC))
    epoch = _epoch(url)

    async def submit(passes: int) -> None:
        for _ in range(passes):
            await asyncio.sleep(0)
        await ledger._submit(_entry(epoch))

    await asyncio.gather(*(submit(number) for number in range(count)))
    await ledger.close()
    return connection.sizes


def test_a_batch_gathers_while_every_pass_of_the_loop_brings_more(
    committed_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "LONGEST_GATHERING", 60)
    assert asyncio.run(_sizes(committed_database, 20)) == [20]


def test_a_batch_does_not_gather_beyond_its_size(committed_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "LONGEST_GATHERING", 60)
    monkeypatch.setattr(ledgers, "MAX_BATCH", 8)
    sizes = asyncio.run(_sizes(committed_database, 20))
    assert (max(sizes), sum(sizes)) == (8, 20)


def test_a_batch_does_not_gather_beyond_its_time(committed_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "LONGEST_GATHERING", 0)
    sizes = asyncio.run(_sizes(committed_database, 20))
    assert sizes[0] < 20
    assert sum(sizes) == 20
