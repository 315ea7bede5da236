"""F1: PostgreSQL dies during load, in three ways, again and again (reliability.md P1). ``make faults`` for more."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.campaign import rounds
from tests.faults.accounts import assert_honest, assert_no_token_without_its_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.exchange_server import ExchangeServer
    from tests.load import Load
    from tests.own_services import OwnServices

CALLERS = 8


def _kill_all(durable: OwnServices, load: Load, killed_at: int) -> None:
    durable.kill_postgres()
    load.until(lambda: load.connections(503, killed_at) == set(range(CALLERS)), "everybody is told to come back")
    durable.start_postgres()


def _kill_the_postmaster(durable: OwnServices, load: Load, killed_at: int) -> None:
    durable.kill_postmaster()
    load.until(lambda: load.count(503, killed_at) > 0, "somebody is told to come back")
    durable.start_postgres()


def _kill_the_backends(durable: OwnServices, load: Load, killed_at: int) -> None:
    durable.kill_ledger_backends()
    load.until(lambda: load.count(503, killed_at) > 0, "somebody is told to come back")


@pytest.mark.parametrize("kill", [_kill_all, _kill_the_postmaster, _kill_the_backends])
def test_no_token_is_told_without_its_event_however_postgresql_dies(
    durable: OwnServices,
    busy: ExchangeServer,
    loaded: Callable[[int], Any],
    kill: Callable[[OwnServices, Load, int], None],
) -> None:
    assert durable.shown("fsync") == durable.shown("synchronous_commit") == durable.shown("full_page_writes") == "on"
    with loaded(CALLERS) as load:
        for number in range(rounds(1)):
            killed_at = len(load.told)
            kill(durable, load, killed_at)
            back_at = len(load.told)
            load.until(lambda at=back_at: load.connections(200, at) == set(range(CALLERS)), f"recovery {number}")
    assert_honest(load)
    tokens = assert_no_token_without_its_event(busy, load)
    assert tokens >= CALLERS * (rounds(1) + 1)
    sys.stdout.write(f"{rounds(1)} kills, {len(load.told)} answers, {tokens} tokens, each with its event\n")
    assert busy.process.poll() is None
