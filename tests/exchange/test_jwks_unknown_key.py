"""A token names a key nobody knows: one bounded refresh, whatever the flood (A4, A22, F12, F14, P13)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.utils import timezone

from exchange import jwks
from partners import key_sources
from partners.models import KeySource
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.exchange.identity_providers import JWKS, claimable, identity_provider, kids_of, source_of
from tests.exchange.sites import always, reply, until
from tests.signers import make_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from tests.exchange.sites import Request

pytestmark = pytest.mark.usefixtures("committed_database", "loopback_allowed")

ASKS = """
import asyncio, sys
import django
django.setup()
from exchange.jwks import refresh_for_unknown_key
print("ready", flush=True)
sys.stdin.readline()
source, kid = sys.argv[1:]
print(asyncio.run(refresh_for_unknown_key(source, kid, deadline=10)))
"""


def ask(source_id: UUID, *kids: str, deadline: float = 10.0) -> list[bool]:
    """What requests that name these keys, all at the same time, are told."""

    async def all_at_once() -> list[bool]:
        return await asyncio.gather(*(jwks.refresh_for_unknown_key(source_id, kid, deadline=deadline) for kid in kids))

    return asyncio.run(all_at_once())


@attack("F14")
@rule(63, "RFC 7523", "3")
def test_a_partner_that_replaced_its_only_key_is_understood_after_one_fetch() -> None:
    """F14. The schedule is an hour away; the first request with the new key does not wait for it."""
    new = make_key()
    with identity_provider(make_key()) as idp:
        source = source_of(idp.url)
        assert jwks.refresh(source.id, is_scheduled=True)
        KeySource.objects.update(claimed_at=timezone.now() - timedelta(minutes=1))
        idp.publish(new)
        assert ask(source.id, str(new.kid)) == [True]
        assert idp.fetches() == 2
    assert kids_of(source) == {new.kid}


def test_the_first_token_of_a_new_trust_finds_the_keys_without_any_schedule() -> None:
    key = make_key()
    with identity_provider(key) as idp:
        source = source_of(idp.url)
        assert ask(source.id, str(key.kid)) == [True]


@attack("A4", "A22")
@rule(63, "RFC 7523", "3")
def test_a_flood_of_invented_keys_is_one_fetch() -> None:
    known = make_key()
    with identity_provider(known) as idp:
        source = source_of(idp.url)
        for _ in range(5):
            answers = ask(source.id, *(f"invented-{number}" for number in range(200)))
            assert not any(answers)
        assert idp.fetches() == 1


@attack("A22")
def test_a_flood_while_the_key_set_fails_is_one_fetch_too() -> None:
    with identity_provider(make_key()) as idp:
        source = source_of(idp.url + JWKS, method="jwks_uri")
        idp.fault = always(reply({}, status="500 Oops"))
        for _ in range(5):
            assert not any(ask(source.id, *(f"invented-{number}" for number in range(200))))
        assert idp.fetches() == 1


def test_requests_for_a_good_key_share_the_fetch_that_an_invented_one_began() -> None:
    key = make_key()
    with identity_provider(key) as idp:
        source = source_of(idp.url)
        assert ask(source.id, "invented", str(key.kid), "", str(key.kid)) == [False, True, False, True]
        assert idp.fetches() == 1


@attack("F12")
def test_no_request_waits_longer_than_its_deadline_and_the_fetch_serves_the_next_one() -> None:
    key = make_key()
    with identity_provider(key) as idp:
        source = source_of(idp.url + JWKS, method="jwks_uri")

        def slow(_request: Request) -> Iterable[bytes]:
            while not idp.site.stopping.is_set() and idp.fault is slow:
                idp.site.stopping.wait(0.01)
            yield reply(idp.documents[JWKS])

        idp.fault = slow
        started = time.monotonic()
        assert ask(source.id, str(key.kid), deadline=0.2) == [False]
        assert time.monotonic() - started < 2
        idp.fault = None
        until(lambda: kids_of(source) == {key.kid})
        assert idp.fetches() == 1


@attack("A22", "F12")
def test_a_dead_identity_provider_of_one_partner_does_not_slow_another() -> None:
    key = make_key()
    with identity_provider(make_key()) as dead, identity_provider(key) as alive:
        dead.fault = lambda _: dead.site.silence()
        stuck = source_of(dead.url + JWKS, method="jwks_uri")
        well = source_of(alive.url + JWKS, method="jwks_uri", slug="other")

        async def both() -> tuple[bool, bool, float]:
            waiting = asyncio.create_task(jwks.refresh_for_unknown_key(stuck.id, "x", deadline=1.5))
            started = time.monotonic()
            found = await jwks.refresh_for_unknown_key(well.id, str(key.kid), deadline=10)
            took = time.monotonic() - started
            return await waiting, found, took

        lost, found, took = asyncio.run(both())
    assert (lost, found) == (False, True)
    assert took < 1.5


def test_another_process_may_have_fetched_first_and_its_keys_count() -> None:
    """The slot is taken and the answer is on its way: this process waits for the row instead of refusing."""
    key = make_key()
    with identity_provider(key) as idp:
        source = source_of(idp.url + JWKS, method="jwks_uri")

        def slow(_request: Request) -> bytes:
            idp.site.stopping.wait(0.3)
            return reply(idp.documents[JWKS])

        idp.fault = slow
        program = [sys.executable, "-c", ASKS, str(source.id), str(key.kid)]
        others = [
            subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {})
            for _ in range(2)
        ]
        for other in others:
            assert other.stdout is not None
            assert other.stdout.readline() == "ready\n"
        said = [other.communicate(timeout=60)[0].strip() for other in start_together(others)]
        assert said == ["True", "True"]
        assert idp.fetches() == 1


def start_together(processes: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """Send every process its starting line before the answer of any is read."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


def test_a_source_that_is_gone_is_answered_no() -> None:
    source = source_of("https://idp.example")
    identity = source.id
    source.client.delete()
    source.delete()
    assert ask(identity, "any") == [False]


def test_after_half_a_minute_an_unknown_key_is_worth_one_more_fetch() -> None:
    with identity_provider(make_key()) as idp:
        source = source_of(idp.url + JWKS, method="jwks_uri")
        ask(source.id, "invented")
        claimable(source)
        jwks._waiting.quiet_until.clear()
        ask(source.id, "invented")
        ask(source.id, "invented")
        assert idp.fetches() == 2


def test_due_sources_are_refreshed_together_and_one_that_fails_does_not_stop_the_others() -> None:
    keys = [make_key() for _ in range(6)]
    with identity_provider(*keys) as idp:
        good = [source_of(idp.url, slug=f"p{number}") for number in range(6)]
        bad = source_of("http://127.0.0.1:9/", slug="bad")
        assert jwks.refresh_due() == 6
        assert jwks.refresh_due() == 0
        assert idp.fetches() == 6
    assert all(kids_of(source) == {key.kid for key in keys} for source in good)
    bad.refresh_from_db()
    assert bad.failures == 1


def test_a_web_process_stands_in_only_for_what_is_overdue() -> None:
    with identity_provider(make_key()) as idp:
        source = source_of(idp.url)
        assert jwks.refresh_due(overdue_by=timedelta(minutes=2)) == 0
        KeySource.objects.filter(pk=source.pk).update(created_at=timezone.now() - timedelta(minutes=3))
        assert jwks.refresh_due(overdue_by=timedelta(minutes=2)) == 1


def test_a_web_process_stands_in_for_workers_that_are_gone_until_it_ends() -> None:
    key = make_key()

    async def a_web_process(source: KeySource) -> None:
        standing_in = asyncio.create_task(jwks.stand_in(every=0.01, overdue_by=timedelta(0)))
        await asyncio.to_thread(until, lambda: kids_of(source) == {key.kid})
        standing_in.cancel()
        with pytest.raises(asyncio.CancelledError):
            await standing_in

    with identity_provider(key) as idp:
        asyncio.run(a_web_process(source_of(idp.url)))
        assert idp.fetches() == 1


def test_of_many_that_claim_a_fetch_at_the_same_time_one_gets_it() -> None:
    source = source_of("https://idp.example")
    together = threading.Barrier(6)

    def claim(_number: int) -> bool:
        together.wait()
        try:
            return key_sources.claim(source.id, is_scheduled=False) is not None
        finally:
            connection.close()

    for _ in range(10):
        claimable(source)
        with ThreadPoolExecutor(6) as threads:
            assert sum(threads.map(claim, range(6))) == 1
