"""A batch under adversity: a slow database, a deadlock, poison, a full queue, callers that leave (F3, F27)."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from msgspec import structs

from exchange import ledger as ledgers
from exchange.entries import Entry, UnfitValue, join, refused_entry
from exchange.ledger import Ledger, LedgerUnavailable
from exchange.ledger_connection import LedgerConnection
from exchange.protocol.errors import refusal
from exchange.trail import Trail
from partners.changes import LEDGER_LOCK
from policy.reasons import Reason, Rule
from portal.database.connections import connection_parameters
from portal.embedded.addresses import SUPERUSER
from tests.attacks import attack
from tests.exchange.in_process import calling, organisation
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services import Services


@contextmanager
def _held(url: str) -> Iterator[psycopg.Connection[Any]]:
    """The ledger's lock, held as a configuration change holds it, until the block ends."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LEDGER_LOCK])
        yield connection


class _Watch:
    """What the database's backends are waiting for, and how many events there are."""

    def __init__(self, url: str, services: Services) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._administration = services.administration()

    def waiting(self) -> int:
        """How many ledger calls of this database wait for a lock."""
        query = """SELECT count(*) FROM pg_stat_activity
                   WHERE wait_event_type = 'Lock' AND application_name = 'handover-ledger' AND datname = %s"""
        ((count,),) = self._administration.execute(query, [self._connection.info.dbname]).fetchall()
        return int(count)

    def events(self) -> int:
        """How many answers were recorded."""
        ((count,),) = self._connection.execute("SELECT count(*) FROM audit_event WHERE outcome <> ''").fetchall()
        return int(count)

    def close(self) -> None:
        self._connection.close()
        self._administration.close()


@pytest.fixture
def watch(committed_database: str, services: Services) -> Iterator[_Watch]:
    watch = _Watch(committed_database, services)
    yield watch
    watch.close()


def _entry(epoch: int, **columns: Any) -> Entry:
    """A refusal's entry, with some of its columns spoiled."""
    error = refusal(Reason.PARAMETER_MISSING, Rule.REQUEST, "grant_type", "absent")
    entry = refused_entry(error, Trail(correlation_id=str(uuid4())), epoch=epoch, now=datetime.now(UTC))
    return structs.replace(entry, envelope=structs.replace(entry.envelope, **columns))


async def _record(url: str, entries: list[Entry]) -> list[BaseException | None]:
    """What becomes of entries that share a batch."""
    ledger = Ledger(LedgerConnection(connection_parameters(url)), lambda: datetime.now(UTC))
    try:
        return await asyncio.gather(*(ledger._submit(entry) for entry in entries), return_exceptions=True)
    finally:
        await ledger.close()


def _epoch(url: str) -> int:
    with psycopg.connect(url) as connection:
        ((epoch,),) = connection.execute("SELECT epoch FROM partners_registry").fetchall()
        return int(epoch)


@pytest.mark.parametrize("spoil", ["twice the same id", "a separator", "a NUL", "too long", "no text"])
def test_a_poison_row_refuses_only_itself(committed_database: str, watch: _Watch, spoil: str) -> None:
    epoch = _epoch(committed_database)
    taken = _entry(epoch)
    poison: dict[str, dict[str, Any]] = {
        "twice the same id": {"id": taken.envelope.id},
        "a separator": {"kek_id": "a\x1fb"},
        "a NUL": {"kek_id": "a\0b"},
        "too long": {"kek_id": "x" * 17},
        "no text": {"kek_id": "\ud800"},
    }
    batch = [_entry(epoch), _entry(epoch), _entry(epoch, **poison[spoil]), _entry(epoch), _entry(epoch)]

    assert asyncio.run(_record(committed_database, [taken])) == [None]
    outcome = asyncio.run(_record(committed_database, batch))

    assert [type(error) for error in outcome] == [type(None), type(None), LedgerUnavailable, type(None), type(None)]
    assert watch.events() == 5


def test_no_value_can_shift_the_columns_of_another() -> None:
    assert join(["a", "", "c"]) == b"a\x1f\x1fc"
    for wrong in ("a\x1fb", "a\0b", "\ud800"):
        with pytest.raises(UnfitValue):
            join(["a", wrong, "c"])


def test_beyond_its_bound_the_queue_refuses_at_once(
    committed_database: str, watch: _Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "MAX_QUEUED", 3)
    monkeypatch.setattr(ledgers, "LARGEST_SHARE", 1)
    world = organisation()

    async def send() -> tuple[Any, list[int]]:
        async with calling(world) as caller:
            with _held(committed_database):
                first = asyncio.create_task(caller.post(caller.form()))
                await until(watch.waiting, "the first batch waits for the lock")
                queued = [asyncio.create_task(caller.post(caller.form())) for _ in range(3)]
                await until(lambda: len(_queue(caller.application)) == 3, "three wait behind it")
                refused = await caller.post(caller.form())
            return refused, [reply.status for reply in await asyncio.gather(first, *queued)]

    refused, others = asyncio.run(send())

    assert (refused.status, refused.json["error"]) == (503, "temporarily_unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert others == [200] * 4
    assert watch.events() == 4


@attack("F28")
def test_one_partner_cannot_fill_the_queue(
    committed_database: str, watch: _Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F28: behind a slow database the partner that sends most is refused, the others are not."""
    monkeypatch.setattr(ledgers, "MAX_QUEUED", 8)
    world = organisation()
    form = {"client_id": "fjord-backend", "client_secret": world.secret}

    async def send() -> tuple[list[int], list[int]]:
        async with calling(world) as caller:
            other = {"subject_token": world.other_idp.subject_token(world.issuer)} | form
            quiet = {key: value for key, value in caller.form(**other).items() if "assertion" not in key}
            with _held(committed_database):
                first = asyncio.create_task(caller.post(caller.form()))
                await until(watch.waiting, "the first batch waits for the lock")
                queued = [asyncio.create_task(caller.post(caller.form())) for _ in range(2)]
                await until(lambda: len(_queue(caller.application)) == 2, "its share is full")
                refused = [(await caller.post(caller.form())).status for _ in range(3)]
                queued.append(asyncio.create_task(caller.post(quiet)))
                await until(lambda: len(_queue(caller.application)) == 3, "the other partner has a place")
            served = [reply.status for reply in await asyncio.gather(first, *queued)]
            return refused, [*served, (await caller.post(caller.form())).status]

    refused, served = asyncio.run(send())

    assert refused == [503] * 3
    assert served == [200] * 5, "once the queue has moved the share is free again"


def test_whoever_waits_too_long_for_its_turn_is_refused(
    committed_database: str, watch: _Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "MAX_WAIT", 0.2)
    world = organisation()

    async def send() -> tuple[int, int, int]:
        async with calling(world) as caller:
            loop = asyncio.get_running_loop()
            with _held(committed_database):
                first = asyncio.create_task(caller.post(caller.form()))
                await until(watch.waiting, "the first batch waits for the lock")
                late = asyncio.create_task(caller.post(caller.form()))
                await until(lambda: len(_queue(caller.application)) == 1, "one waits behind it")
                deadline = _queue(caller.application)[0].until
                await until(lambda: loop.time() > deadline, "it waits too long")
            answers = (await first).status, (await late).status
            return *answers, (await caller.post(caller.form())).status

    assert asyncio.run(send()) == (200, 503, 200)
    assert watch.events() == 2


def test_a_call_that_takes_too_long_ends_in_503_and_the_next_one_succeeds(
    committed_database: str, watch: _Watch
) -> None:
    world = organisation()

    async def send() -> tuple[list[Any], int]:
        async with calling(world) as caller:
            with _held(committed_database):
                replies = await asyncio.gather(*(caller.post(caller.form()) for _ in range(5)))
            return replies, (await caller.post(caller.form())).status

    replies, after = asyncio.run(send())

    assert {(reply.status, reply.json["error"]) for reply in replies} == {(503, "temporarily_unavailable")}
    assert all(int(reply.headers["retry-after"]) > 0 for reply in replies)
    assert after == 200
    assert watch.events() == 1


def test_a_caller_that_leaves_takes_nobody_with_it_and_its_event_is_kept(
    committed_database: str, watch: _Watch
) -> None:
    world = organisation()

    async def send() -> list[int]:
        async with calling(world) as caller:
            with _held(committed_database):
                tasks = [asyncio.create_task(caller.post(caller.form())) for _ in range(3)]
                await until(watch.waiting, "the batch waits for the lock")
                tasks[1].cancel()
                await asyncio.wait([tasks[1]])
            assert tasks[1].cancelled()
            return [(await tasks[0]).status, (await tasks[2]).status]

    assert asyncio.run(send()) == [200, 200]
    assert watch.events() == 3


@attack("F27")
def test_a_deadlock_is_tried_again_and_nobody_notices(
    committed_database: str, watch: _Watch, services: Services
) -> None:
    database = psycopg.conninfo.conninfo_to_dict(committed_database)["dbname"]
    world = organisation()
    insert = """INSERT INTO exchange_spentjti (purpose, issuer, jti, expires_at)
                VALUES ('client_assertion', 'kestrel-backend', %s, now())"""

    async def send() -> list[int]:
        async with calling(world) as caller:
            forms = [
                caller.form(client_assertion=world.backend.assertion(world.issuer, jti=jti)) for jti in ("a-1", "b-2")
            ]
            with psycopg.connect(services.postgres.url(SUPERUSER, str(database))) as other:
                other.execute("SET deadlock_timeout = '1min'")  # the other side finds out, and is the one to give way
                other.execute(insert, ["b-2"])
                batch = [asyncio.create_task(caller.post(form)) for form in forms]
                await until(watch.waiting, "the batch has a-1 and waits for b-2")
                crossing = threading.Thread(target=other.execute, args=(insert, ["a-1"]))
                crossing.start()
                await asyncio.to_thread(crossing.join)
                other.rollback()
            return [(await task).status for task in batch]

    assert asyncio.run(send()) == [200, 200]
    assert watch.events() == 2


@attack("F27")
@pytest.mark.usefixtures("committed_database")
def test_batches_that_share_identifiers_in_different_order_do_not_deadlock(settings: Any) -> None:
    settings.HANDOVER = replace(settings.HANDOVER, client_rate=0, partner_rate=0, subject_rate=0)  # it comes in bursts
    world = organisation()

    async def send() -> list[list[int]]:
        async with calling(world) as one, calling(world) as other:
            statuses = []
            for _ in range(20):
                forms = [one.form() for _ in range(8)]
                replies = await asyncio.gather(*map(one.post, forms), *map(other.post, reversed(forms)))
                statuses.append(sorted(reply.status for reply in replies))
            return statuses

    assert asyncio.run(send()) == [[200] * 8 + [401] * 8] * 20


def test_closing_waits_for_what_is_queued(committed_database: str, watch: _Watch) -> None:
    epoch = _epoch(committed_database)

    async def close_at_once() -> list[BaseException | None]:
        ledger = Ledger(LedgerConnection(connection_parameters(committed_database)), lambda: datetime.now(UTC))
        tasks = [asyncio.create_task(ledger._submit(_entry(epoch))) for _ in range(3)]
        await asyncio.sleep(0)
        await ledger.close()
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert asyncio.run(close_at_once()) == [None] * 3
    assert watch.events() == 3


def _queue(application: Any) -> list[Any]:
    queue: list[Any] = application._ledger._waiting
    return queue
