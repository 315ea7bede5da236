"""Background work by a real worker over a real Redis: wake-ups for rows, harmless when lost, late or repeated."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings as django_settings
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis import Redis

from audit.partitions import months
from audit.tasks import count_spans, extend_partitions, sweep_spans
from exchange import jwks, sweeping
from exchange.models import DeviceGrant, IssuedToken, SpentJti, TokenFamily
from exchange.tasks import refresh_key_sets, rotate_keys, sweep_expired, try_golden_tokens, watch_trusts
from portal.celery import MemoryScheduler, app
from portal.tasks import clear_sessions, follow_shadows, remind, sweep_kept_answers, try_canaries
from tests.exchange.identity_providers import identity_provider, kids_of, source_of
from tests.exchange.sites import until
from tests.signers import make_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.config import Config

DAY = timedelta(days=1)


class Queue:
    """The waiting wake-ups, looked at in Redis itself."""

    key = "handover:handover"

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def waiting(self) -> int:
        return int(self.redis.llen(self.key))

    def is_done(self) -> bool:
        """Nothing waits, and nothing is being worked on."""
        return self.waiting() == 0 and self.redis.hlen("handover:unacked") == 0


@pytest.fixture
def queue(committed_database: str, loopback_allowed: None, settings: Any) -> Iterator[Queue]:  # noqa: ARG001
    """The queue, empty before and after, beside a database of its own; partners on loopback may be called."""
    with Redis.from_url(settings.HANDOVER.redis_url) as redis:
        redis.flushdb()
        yield Queue(redis)
        redis.flushdb()


@contextmanager
def worker() -> Iterator[None]:
    with start_worker(app, perform_ping_check=False, pool="solo", shutdown_timeout=30):
        yield


def spent(age: timedelta) -> SpentJti:
    return SpentJti.objects.create(
        purpose="subject", issuer="https://i", jti=str(uuid4()), expires_at=timezone.now() - age
    )


def family(age: timedelta) -> TokenFamily:
    end = timezone.now() - age
    return TokenFamily.objects.create(
        partner_id=uuid4(),
        root_issuer="https://i",
        root_token_id="r",
        subject="s",
        created_at=end - DAY,
        expires_at=end,
    )


def token(of: TokenFamily, age: timedelta) -> IssuedToken:
    end = timezone.now() - age
    return IssuedToken.objects.create(
        family_id=of.id, event_id=uuid4(), client_id=uuid4(), partner_id=of.partner_id, kid="k", subject="s",
        audience=["https://a"], issued_at=end - timedelta(minutes=5), expires_at=end,
    )  # fmt: skip


@pytest.mark.django_db
class TestSweep:
    def test_keeps_a_used_identifier_for_a_day_beyond_its_end(self) -> None:
        kept, gone = spent(DAY - timedelta(minutes=1)), spent(DAY + timedelta(minutes=1))
        alive = spent(-timedelta(minutes=5))
        assert sweeping.sweep().spent == 1
        assert {row.jti for row in SpentJti.objects.all()} == {kept.jti, alive.jti} - {gone.jti}

    def test_keeps_tokens_and_families_for_thirty_days_and_removes_both_after(self) -> None:
        old, recent = family(31 * DAY), family(29 * DAY)
        token(old, 31 * DAY)
        kept = token(recent, 29 * DAY)
        assert sweeping.sweep() == sweeping.Swept(spent=0, tokens=1, families=1, devices=0)
        assert [row.id for row in IssuedToken.objects.all()] == [kept.id]
        assert [row.id for row in TokenFamily.objects.all()] == [recent.id]

    def test_keeps_a_family_as_long_as_one_of_its_tokens_is_kept(self) -> None:
        outlived = family(40 * DAY)
        token(outlived, 2 * DAY)
        assert sweeping.sweep() == sweeping.Swept(spent=0, tokens=0, families=0, devices=0)

    def test_keeps_an_expired_device_code_for_an_hour_so_that_the_device_hears_of_it(self) -> None:
        for minutes in (-5, 59, 61):
            DeviceGrant.objects.create(
                device_code=str(minutes), user_code=str(minutes), expires=timezone.now() - timedelta(minutes=minutes)
            )
        assert sweeping.sweep().devices == 1
        assert {row.device_code for row in DeviceGrant.objects.all()} == {"-5", "59"}

    def test_keeps_longer_where_the_operator_says_so(self, settings: Any) -> None:
        settings.HANDOVER = replace(settings.HANDOVER, token_retention=90 * DAY)
        family(89 * DAY)
        assert sweeping.sweep().families == 0

    def test_removes_everything_in_bounded_batches(self) -> None:
        for _ in range(7):
            spent(2 * DAY)
        assert sweeping.sweep(batch=2).spent == 7

    def test_leaves_when_another_sweeper_is_at_work(self) -> None:
        spent(2 * DAY)
        with psycopg.connect(django_settings.HANDOVER.database_url) as other:
            other.execute("SELECT pg_advisory_xact_lock(%s)", [sweeping.SWEEP_LOCK])
            assert sweeping.sweep().spent == 0
        assert sweeping.sweep().spent == 1


class TestWorker:
    @pytest.mark.usefixtures("queue")
    def test_refreshes_the_key_sets_that_are_due(self) -> None:
        key = make_key()
        with identity_provider(key) as idp, worker():
            source = source_of(idp.url)
            refresh_key_sets.delay()
            until(lambda: kids_of(source) == {key.kid})

    @pytest.mark.usefixtures("queue")
    def test_sweeps(self) -> None:
        spent(2 * DAY)
        with worker():
            sweep_expired.delay()
            until(lambda: not SpentJti.objects.exists())

    def test_adds_the_months_that_are_missing_and_only_once(self, queue: Queue) -> None:
        table = list(months(datetime.now(UTC)))[-1].table
        with psycopg.connect(django_settings.HANDOVER.database_owner_url, autocommit=True) as owner:
            owner.execute(f"DROP TABLE {table}")
            with worker():
                for _ in range(3):
                    extend_partitions.delay()
                until(lambda: owner.execute("SELECT to_regclass(%s)", [table]).fetchone() != (None,))
                until(queue.is_done)

    def test_that_comes_late_finds_the_wake_ups_of_an_hour_and_does_the_work_once(self, queue: Queue) -> None:
        with identity_provider(make_key()) as idp:
            source = source_of(idp.url)
            for _ in range(60):
                refresh_key_sets.delay()
            with worker():
                until(queue.is_done)
                until(lambda: bool(kids_of(source)))
            assert idp.fetches() == 1

    @pytest.mark.usefixtures("queue")
    def test_does_not_run_what_is_not_json_and_goes_on(self, tmp_path: Path) -> None:
        canary = tmp_path / "executed"
        with app.connection_for_write() as connection, identity_provider(make_key()) as idp:
            source = source_of(idp.url)
            connection.Producer().publish(
                pickle.dumps(_Canary(str(canary))), routing_key="handover", content_encoding="binary",
                content_type="application/x-python-serialize",
                headers={"task": "exchange.sweep_expired", "id": str(uuid4()), "lang": "py"},
            )  # fmt: skip
            refresh_key_sets.delay()
            with worker():
                until(lambda: bool(kids_of(source)))
        assert not canary.exists()


class _Canary:
    """Unpickling it makes a file: what a pickle could do."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self.path),)


class TestWithoutAWorker:
    def test_key_sets_are_refreshed_by_who_asks_for_what_is_overdue(self, queue: Queue) -> None:
        key = make_key()
        with identity_provider(key) as idp:
            source = source_of(idp.url)
            refresh_key_sets.delay()
            assert jwks.refresh_due() == 1
            assert kids_of(source) == {key.kid}
            assert queue.waiting() == 1

    def test_a_wake_up_that_cannot_be_sent_fails_soon(self) -> None:
        dead = app.connection_for_write("redis+socket:///nonexistent/redis.sock")
        with pytest.raises(OperationalError):
            refresh_key_sets.apply_async(connection=dead)


class TestBeat:
    def test_wakes_up_for_tasks_that_exist_and_lets_the_wake_ups_lapse(self) -> None:
        entries = MemoryScheduler(app).schedule.values()
        ours = {refresh_key_sets, rotate_keys, sweep_expired, try_golden_tokens, clear_sessions, sweep_kept_answers}
        care = {remind, try_canaries, watch_trusts, follow_shadows}
        tasks = {task.name for task in (*ours, *care, count_spans, extend_partitions, sweep_spans)}
        assert {entry.task for entry in entries} == tasks
        for entry in entries:
            assert entry.task in app.tasks
            assert entry.options["expires"] < entry.schedule.run_every.total_seconds()

    def test_sends_what_is_due_and_two_beats_do_no_harm(self, queue: Queue) -> None:
        with identity_provider(make_key()) as idp:
            source = source_of(idp.url)
            for _ in range(2):
                beat = MemoryScheduler(app)
                for entry in beat.schedule.values():
                    entry.last_run_at -= timedelta(days=2)
                until(partial(_has_sent_all, beat))
            assert queue.waiting() == 2 * len(beat.schedule)
            with worker():
                until(queue.is_done)
                until(lambda: bool(kids_of(source)))
            assert idp.fetches() == 1

    @pytest.mark.usefixtures("queue")
    def test_is_a_program_that_writes_no_file(self, tmp_path: Path) -> None:
        with program(tmp_path, "beat", "--loglevel", "INFO") as beat:
            until(lambda: "Starting" in said(beat), seconds=120)
        assert [path.name for path in tmp_path.iterdir()] == ["output"]


@pytest.mark.usefixtures("queue")
def test_the_worker_is_a_program_that_works_and_ends_when_told(tmp_path: Path) -> None:
    """Forked children with a pool and threads of their own, and an answer to the ping of the health check."""
    key = make_key()
    with identity_provider(key) as idp, program(tmp_path, "worker", "--concurrency", "1") as started:
        source = source_of(idp.url)
        refresh_key_sets.delay()
        until(lambda: started.poll() is None and kids_of(source) == {key.kid}, seconds=120)
        until(lambda: bool(app.control.ping(timeout=1)), seconds=30)
    assert started.returncode == 0


def _has_sent_all(beat: MemoryScheduler) -> bool:
    return bool(beat.tick() > 0)


@contextmanager
def program(directory: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of Celery's programs, as a supervisor starts and stops it. Its output goes to a file."""
    command = [sys.executable, "-m", "celery", "--app", "portal.celery", *arguments]
    root = str(Path(__file__).parents[2])
    with (directory / "output").open("wb") as output:
        started = subprocess.Popen(
            command, cwd=directory, stdout=output, stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": root},
        )  # fmt: skip
        started.log = directory / "output"  # type: ignore[attr-defined]
        try:
            yield started
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(30)


def said(started: subprocess.Popen[bytes]) -> str:
    return started.log.read_text()  # type: ignore[attr-defined,no-any-return]


class TestBrokerUrl:
    @pytest.mark.parametrize(
        ("redis_url", "broker_url"),
        [
            ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
            ("unix:///run/redis.sock?db=3", "redis+socket:///run/redis.sock?virtual_host=3"),
            ("unix://:word@/run/redis.sock?db=1", "redis+socket://:word@/run/redis.sock?virtual_host=1"),
            ("redis://redis:6379/0", "redis://redis:6379/0"),
            ("rediss://redis:6379/0", "rediss://redis:6379/0"),
        ],
    )
    def test_says_what_redis_url_says_in_celerys_words(self, redis_url: str, broker_url: str) -> None:
        config: Config = replace(django_settings.HANDOVER, redis_url=redis_url)
        assert config.broker_url == broker_url
