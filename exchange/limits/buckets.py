"""The shared buckets in Redis, by GCRA: one number per bucket, one script for all of them (RFC 6585 section 4).

The generic cell rate algorithm keeps the "theoretical arrival time": the instant at which the bucket would be full
again. Redis's own clock is used, so that processes need not agree on the time. What is in Redis may vanish at any
moment; then buckets are full again, which is generous and never unsafe (reliability.md F7).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from audit.identifiers import new_id
from exchange.limits.limit import MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exchange.limits.limit import Limit

PREFIX: Final = "handover:limit:"
PATIENCE: Final = 0.25
"""Seconds that Redis may take. Nobody but the background task waits that long."""
_THOUSANDTHS: Final = 1000
_ANSWERS_PER_CLAIM: Final = 2

SCRIPT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 6000000)
redis.call('PEXPIRE', KEYS[1], 6000)
local processes = redis.call('ZCARD', KEYS[1])
local answer = {now, processes}

local function rate(key, interval, burst, charge, want)
  local full_at = tonumber(redis.call('GET', key)) or now
  full_at = math.max(now, math.max(now, full_at) + charge * interval)
  local left = burst - (full_at - now) / interval
  local grant = math.max(0, math.min(left, math.max(want, left / (processes + 1))))
  if want == 0 then grant = 0 end
  full_at = full_at + grant * interval
  if full_at > now then
    redis.call('SET', key, string.format('%.3f', full_at), 'PX', math.ceil((full_at - now) / 1000))
  else
    redis.call('DEL', key)
  end
  return grant, math.max(0, (1 - left) * interval)
end

local function day(key, quota, charge, want)
  local today = math.floor(now / 86400000000)
  local date, used = string.match(redis.call('GET', key) or '', '^(%d+) (.+)$')
  if tonumber(date) ~= today then used = 0 end
  used = math.max(0, tonumber(used) + charge)
  local grant = math.max(0, math.min(quota - used, want))
  local ends = (today + 1) * 86400000000 - now
  redis.call('SET', key, string.format('%d %.3f', today, used + grant), 'PX', math.ceil(ends / 1000))
  if quota - used >= 1 then ends = 0 end
  return grant, ends
end

for index = 2, #KEYS do
  local at = (index - 2) * 4 + 2
  local interval, burst = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local charge, want = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local grant, wait
  if interval > 0 then
    grant, wait = rate(KEYS[index], interval, burst, charge, want)
  else
    grant, wait = day(KEYS[index], burst, charge, want)
  end
  answer[#answer + 1] = math.floor(grant * 1000)
  answer[#answer + 1] = math.ceil(wait)
end
return answer
"""


class BucketsAway(Exception):
    """Redis did not do what it was asked: gone, too slow, full, or holding something else under our keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One slice's settlement: what it spent beyond what it had paid for, and how much it wants next.

    A negative ``charge`` gives back what was paid for and not spent.
    """

    key: str
    limit: Limit
    charge: float
    want: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What was granted, and in how many seconds one request's worth is there again (0: now)."""

    grant: float
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Redis's answer to all claims, with its time in microseconds and how many processes are at work."""

    now: int
    processes: int
    leases: tuple[Lease, ...]


class Buckets:
    """The way to Redis. Short timeouts and no retry: redis-py's own would wait for seconds (reliability.md)."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
        )
        self._process = new_id()
        self._digest = ""

    async def settle(self, claims: Sequence[Claim]) -> Settlement:
        """Settle all claims in one call, and show that this process lives. Raises ``BucketsAway``."""
        keys = [f"{PREFIX}processes", *(PREFIX + claim.key for claim in claims)]
        arguments: list[str | float] = [self._process]
        for claim in claims:
            arguments += (claim.limit.interval, claim.limit.burst, claim.charge, claim.want)
        try:
            async with asyncio.timeout(PATIENCE * 2):
                now, processes, *numbers = await self._run(keys, arguments)
        except (RedisError, OSError, TimeoutError) as error:
            raise BucketsAway(type(error).__name__) from error
        pairs = zip(numbers[::_ANSWERS_PER_CLAIM], numbers[1::_ANSWERS_PER_CLAIM], strict=True)
        leases = tuple(Lease(grant=grant / _THOUSANDTHS, wait=wait / MICROSECONDS) for grant, wait in pairs)
        return Settlement(now=now, processes=processes, leases=leases)

    async def _run(self, keys: list[str], arguments: list[str | float]) -> list[int]:
        """The script, by its digest where Redis still knows it: a restart or a flush makes it forget."""
        try:
            if not self._digest:
                self._digest = await self._redis.script_load(SCRIPT)
            answer: list[int] = await self._redis.evalsha(self._digest, len(keys), *keys, *arguments)
        except NoScriptError:
            self._digest = ""
            answer = await self._redis.eval(SCRIPT, len(keys), *keys, *arguments)
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
