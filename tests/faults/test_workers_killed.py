"""F26: a web process dies, maybe between its commit and its answer: at most an event whose token nobody got."""

from __future__ import annotations

import random
from itertools import count
from typing import TYPE_CHECKING, Any

import psutil

from tests.campaign import rounds
from tests.faults.accounts import assert_honest, assert_no_token_without_its_event
from tests.load import LOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.exchange_server import ExchangeServer

CALLERS = 8
MOST_KILLS = 50


def _workers(server: ExchangeServer) -> list[psutil.Process]:
    """The processes that serve, without the supervisor's helper and without the dead."""
    return [child for child in psutil.Process(server.process.pid).children() if "spawn_main" in _command(child)]


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def test_a_killed_process_takes_no_audit_with_it_and_the_others_go_on(
    busy: ExchangeServer, loaded: Callable[[int], Any]
) -> None:
    with loaded(CALLERS) as load:
        for number in count():
            if number >= rounds(2) and load.count(LOST):  # a kill that cut nobody off shows nothing
                break
            assert number < MOST_KILLS
            victim = random.choice(_workers(busy))
            killed_at = len(load.told)
            victim.kill()
            load.until(lambda at=killed_at: load.connections(200, at) == set(range(CALLERS)), f"recovery {number}")
            load.until(lambda: len(_workers(busy)) == 2, "the supervisor replaced it")
    assert_honest(load, may_lose=True)
    assert assert_no_token_without_its_event(busy, load) > CALLERS
