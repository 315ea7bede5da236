"""The arithmetic of the shared buckets, in real Redis, beside a model that does it another way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from exchange.limits.buckets import PREFIX, Buckets, BucketsAway, Claim, Settlement
from exchange.limits.limit import DAY, MICROSECONDS, Limit, per_day, per_minute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.services import Services

TOLERANCE = 0.01
amounts = st.floats(0, 40).map(lambda amount: round(amount, 1))
steps = st.lists(st.tuples(amounts, amounts), min_size=1, max_size=12)
limits = st.builds(per_minute, st.just("client"), st.sampled_from([1, 60, 6000, 600_000]), st.integers(1, 100))


class _Model:
    """A bucket as a bucket: tokens that trickle in and are taken out. Nothing of an arrival time."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._tokens = limit.burst
        self._at: int | None = None

    def settle(self, now: int, processes: int, charge: float, want: float) -> float:
        elapsed = 0 if self._at is None else now - self._at
        self._at = now
        self._tokens = min(self._limit.burst, self._tokens + elapsed / self._limit.interval)
        self._tokens = min(self._limit.burst, self._tokens - charge)
        grant = max(0.0, min(self._tokens, max(want, self._tokens / (processes + 1)))) if want else 0.0
        self._tokens -= grant
        return grant


def settled(url: str, rounds: Sequence[Sequence[Claim]]) -> list[Settlement]:
    """What Redis answers to each round of claims, however busy the machine is."""

    async def settle() -> list[Settlement]:
        buckets = Buckets(url)
        try:
            return [await buckets.settle(claims) for claims in rounds]
        finally:
            await buckets.close()

    with patch("exchange.limits.buckets.PATIENCE", 10.0):
        return asyncio.run(settle())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limits, steps)
def test_a_bucket_grants_what_the_model_grants(services: Services, limit: Limit, taken: list[Any]) -> None:
    key, held, claims = f"model:{uuid4()}", 0.0, []
    for spent, want in taken:
        claims.append([Claim(key=key, limit=limit, charge=spent - held, want=want)])
        held = min(want, limit.burst) / 2  # some of it is given back the next time
    model = _Model(limit)
    for (claim,), answer in zip(claims, settled(services.redis.url(), claims), strict=True):
        expected = model.settle(answer.now, answer.processes, claim.charge, claim.want)
        assert answer.leases[0].grant == pytest.approx(expected, abs=TOLERANCE)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 100), steps)
def test_a_days_quota_is_never_granted_twice(services: Services, quota: int, taken: list[Any]) -> None:
    key, limit = f"day:{uuid4()}", per_day("client-day", quota)
    claims = [[Claim(key=key, limit=limit, charge=spent, want=want)] for spent, want in taken]
    used = 0.0
    for (claim,), answer in zip(claims, settled(services.redis.url(), claims), strict=True):
        used += claim.charge
        granted = answer.leases[0].grant
        assert granted == pytest.approx(max(0.0, min(quota - used, claim.want)), abs=TOLERANCE)
        used += granted


def test_an_empty_bucket_says_when_there_is_something_again(services: Services) -> None:
    limit = per_minute("client", 60, 5)
    claims = [[Claim(key=f"wait:{uuid4()}", limit=limit, charge=7, want=1)]]
    (answer,) = settled(services.redis.url(), claims)
    assert answer.leases[0].grant == 0
    assert answer.leases[0].wait == pytest.approx(3, abs=0.01)


def test_a_quota_used_up_is_back_at_midnight_in_utc(services: Services) -> None:
    claims = [[Claim(key=f"midnight:{uuid4()}", limit=per_day("partner-day", 5), charge=5, want=1)]]
    (answer,) = settled(services.redis.url(), claims)
    assert answer.leases[0].grant == 0
    assert answer.leases[0].wait == pytest.approx(DAY - answer.now / MICROSECONDS % DAY, abs=0.01)


def test_yesterdays_count_is_not_todays(services: Services) -> None:
    key, limit = f"yesterday:{uuid4()}", per_day("partner-day", 5)
    with Redis.from_url(services.redis.url()) as redis:
        (now,) = settled(services.redis.url(), [[]])
        redis.set(PREFIX + key, f"{now.now // MICROSECONDS // DAY - 1} 5.000")
    (answer,) = settled(services.redis.url(), [[Claim(key=key, limit=limit, charge=0, want=9)]])
    assert answer.leases[0].grant == 5


def test_a_bucket_that_is_full_again_is_gone_from_redis(services: Services) -> None:
    key, limit = f"full:{uuid4()}", per_minute("client", 60, 5)
    url = services.redis.url()
    with Redis.from_url(url) as redis:
        settled(url, [[Claim(key=key, limit=limit, charge=3, want=0)]])
        assert 0 < redis.pttl(PREFIX + key) <= 3001
        settled(url, [[Claim(key=key, limit=limit, charge=-3, want=0)]])
        assert redis.exists(PREFIX + key) == 0


def test_processes_are_counted_while_they_live(services: Services) -> None:
    async def two() -> list[int]:
        first, second = Buckets(services.redis.url(7)), Buckets(services.redis.url(7))
        try:
            return [(await buckets.settle([])).processes for buckets in (first, second, first)]
        finally:
            await first.close()
            await second.close()

    with Redis.from_url(services.redis.url(7)) as redis:
        redis.flushdb()
    assert asyncio.run(two()) == [1, 2, 2]


def test_a_redis_that_forgot_the_script_is_told_it_again(services: Services) -> None:
    async def across() -> Settlement:
        buckets = Buckets(services.redis.url())
        try:
            await buckets.settle([])
            with Redis.from_url(services.redis.url()) as redis:
                redis.script_flush()
            return await buckets.settle([])
        finally:
            await buckets.close()

    assert asyncio.run(across()).processes >= 1


@pytest.mark.parametrize("value", [["a", "list"], "unreadable"])
def test_something_else_under_our_key_counts_as_redis_away_or_as_a_full_bucket(services: Services, value: Any) -> None:
    key, limit = f"odd:{uuid4()}", per_minute("client", 60, 5)
    with Redis.from_url(services.redis.url()) as redis:
        if isinstance(value, list):
            redis.rpush(PREFIX + key, *value)
            with pytest.raises(BucketsAway, match="ResponseError"):
                settled(services.redis.url(), [[Claim(key=key, limit=limit, charge=0, want=1)]])
            redis.delete(PREFIX + key)
        else:
            redis.set(PREFIX + key, value)
            (answer,) = settled(services.redis.url(), [[Claim(key=key, limit=limit, charge=0, want=5)]])
            assert answer.leases[0].grant == 5


def test_no_redis_at_all_is_said_so() -> None:
    with pytest.raises(BucketsAway):
        settled("unix:///nonexistent/redis.sock", [[]])
