"""F3, F4, F4b: the way to PostgreSQL is slow, silent, or breaks around the commit: 503, no token, and recovery."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.conf import settings
from django.test import override_settings

from exchange.ledger_connection import CALL_TIMEOUT
from tests.conformance.rules import OWN, rule
from tests.exchange.in_process import Caller, calling, organisation
from tests.faults.proxy import Fault, Relay, relayed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.world import World


@pytest.fixture
def granted(committed_database: str) -> Iterator[Any]:
    """Asks how many tokens were granted, past the relay."""
    with psycopg.connect(committed_database, autocommit=True) as connection:
        query = "SELECT count(*) FROM audit_event WHERE kind = 'exchange.granted'"
        yield lambda: connection.execute(query).fetchone()[0]  # type: ignore[index]


@pytest.fixture
def world(committed_database: str) -> World:  # noqa: ARG001 - it is written there
    return organisation()


@asynccontextmanager
async def _calling_through_a_relay(world: World) -> AsyncIterator[tuple[Relay, Caller]]:
    """The application, its ledger behind a relay."""
    async with relayed(settings.HANDOVER.database_url) as (relay, url):
        with override_settings(HANDOVER=replace(settings.HANDOVER, database_url=url)):
            async with calling(world) as caller:
                assert (await caller.post(caller.form())).status == 200
                yield relay, caller


@rule(157, OWN)
@pytest.mark.parametrize(
    ("fault", "is_committed"), [(Fault.CALL_LOST, False), (Fault.ANSWER_LOST, True), (Fault.HALF_AN_ANSWER, True)]
)
def test_a_connection_that_breaks_around_the_commit_gives_no_token(
    world: World, granted: Any, fault: Fault, *, is_committed: bool
) -> None:
    async def send() -> None:
        async with _calling_through_a_relay(world) as (relay, caller):
            form, before = caller.form(), granted()
            relay.fault = fault
            lost = await caller.post(form)
            assert (lost.status, lost.json["error"]) == (503, "temporarily_unavailable")
            assert int(lost.headers["retry-after"]) >= 1
            assert granted() - before == is_committed
            relay.fault = Fault.NONE
            await _recovered(caller)
            again = await caller.post(caller.form(client_assertion=form["client_assertion"]))
            assert again.status == (401 if is_committed else 200)

    asyncio.run(send())


async def _recovered(caller: Caller) -> None:
    """Ask until the connection is back, as callers do that were told to come back."""
    for _ in range(600):
        if (await caller.post(caller.form())).status == 200:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the connection does not come back")


def test_a_silent_database_ends_requests_and_a_new_connection_serves_the_next(world: World, granted: Any) -> None:
    async def send() -> None:
        async with _calling_through_a_relay(world) as (relay, caller):
            relay.fault = Fault.SILENCE
            async with asyncio.timeout(4 * CALL_TIMEOUT):
                replies = await asyncio.gather(*(caller.post(caller.form()) for _ in range(20)))
            assert {(reply.status, reply.json["error"]) for reply in replies} == {(503, "temporarily_unavailable")}
            relay.fault = Fault.NONE
            await _recovered(caller)
            assert granted() == 2

    asyncio.run(send())


def test_a_slow_database_answers_what_it_can_and_the_rest_is_told_to_come_back(
    world: World, granted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.ledger.MAX_BATCH", 4)
    monkeypatch.setattr("exchange.ledger.MAX_WAIT", 0.5)

    async def send() -> None:
        async with _calling_through_a_relay(world) as (relay, caller):
            relay.delay = 0.2
            before = granted()
            replies = await asyncio.gather(*(caller.post(caller.form()) for _ in range(40)))
            statuses = [reply.status for reply in replies]
            assert set(statuses) == {200, 503}
            assert granted() - before == statuses.count(200)
            relay.delay = 0.0
            assert (await caller.post(caller.form())).status == 200

    asyncio.run(send())


def test_many_broken_connections_leave_nothing_behind(world: World, committed_database: str) -> None:
    """A socket's number goes to the next connection that is opened; the ledger must not go on watching it."""

    async def send() -> None:
        async with _calling_through_a_relay(world) as (relay, caller):
            for _ in range(5):
                relay.fault = Fault.ANSWER_LOST
                taken = asyncio.create_task(_connections(committed_database))
                assert (await caller.post(caller.form())).status == 503
                relay.fault = Fault.NONE
                await _recovered(caller)
                await taken

    asyncio.run(send())


async def _connections(url: str) -> None:
    """Connections of somebody else, which take the numbers that become free."""
    for _ in range(20):
        async with await psycopg.AsyncConnection.connect(url) as connection:
            await connection.execute("SELECT 1")
