"""The background task that settles this process's slices with the shared buckets (RFC 6585, performance.md decision 3).

While Redis is away each process keeps the limits for itself, at its share of them and with half the burst: a limiter
that fails open invites whoever can break Redis, one that fails closed breaks everybody (reliability.md 3.5, F5, F6).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Final

import structlog

from exchange.limits.buckets import BucketsAway, Claim, Lease
from exchange.limits.limit import MICROSECONDS

if TYPE_CHECKING:
    from exchange.limits.buckets import Buckets
    from exchange.limits.slices import Slice, Slices

LEASE: Final = 0.1
"""Seconds between two settlements, at most, of a slice in use."""
SHORTEST: Final = 0.01
"""Seconds between two settlements, at least, whatever is asked for."""
HEARTBEAT: Final = 2.0
PAUSE: Final = 2.0
"""Seconds for which a Redis that failed is left alone."""
_MOST_CLAIMS: Final = 1000

log = structlog.get_logger(__name__)


class Renewal:
    """Settles until cancelled. One per process."""

    def __init__(self, slices: Slices, buckets: Buckets) -> None:
        self._slices = slices
        self._buckets = buckets
        self._tried_at = float("-inf")
        self._settled_at = 0.0

    async def run(self) -> None:
        """Settle about every ``LEASE`` while anything is in use, and show every ``HEARTBEAT`` that we live."""
        self._settled_at = monotonic()
        us = asyncio.current_task()
        assert us is not None
        while not us.cancelling():  # the Redis client may swallow a cancellation that meets it connecting
            await self._wait()
            if not self._slices.is_alone or monotonic() - self._tried_at >= PAUSE:
                await self._settle(monotonic())
            if self._slices.is_alone:
                self._go_on_alone(monotonic())
            self._settled_at = monotonic()

    async def close(self) -> None:
        """Give back what is held, if Redis is there, and close the connections."""
        if not self._slices.is_alone:
            claims = [_farewell(key, one) for key, one in self._slices.items()]
            with suppress(BucketsAway):
                await self._buckets.settle(claims[:_MOST_CLAIMS])
        await self._buckets.close()

    async def _wait(self) -> None:
        await asyncio.sleep(SHORTEST)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEASE if len(self._slices) else HEARTBEAT):
                await self._slices.needed.wait()
        self._slices.needed.clear()

    async def _settle(self, now: float) -> None:
        self._tried_at = now
        parts = self._claims(now)
        try:
            for start in range(0, max(1, len(parts)), _MOST_CLAIMS):
                await self._settle_part(parts[start : start + _MOST_CLAIMS], now)
        except BucketsAway as error:
            if not self._slices.is_alone:
                log.warning("limits.kept_alone", cause=str(error), processes=self._slices.processes)
                self._slices.is_alone = True
            return
        if self._slices.is_alone:
            log.warning("limits.shared_again", processes=self._slices.processes)
            self._slices.is_alone = False

    async def _settle_part(self, parts: list[tuple[Slice, Claim, float]], now: float) -> None:
        settlement = await self._buckets.settle([claim for _, claim, _ in parts])
        self._slices.processes = max(1, settlement.processes)
        for (one, claim, spent), lease in zip(parts, settlement.leases, strict=True):
            self._take(one, claim, spent, lease, now)

    def _claims(self, now: float) -> list[tuple[Slice, Claim, float]]:
        """What is to be settled, each with what its slice had spent. What nobody used is given back or forgotten."""
        parts = []
        for key, one in self._slices.items():
            demand = one.spent + one.missed
            if demand or one.held:
                want = min(one.limit.burst, max(1.0, 2 * demand)) if demand else 0.0
                claim = Claim(key=key, limit=one.limit, charge=one.spent - one.held, want=want)
                parts.append((one, claim, one.spent))
            elif one.blocked_until <= now:
                self._slices.forget(key)
        return parts

    def _take(self, one: Slice, claim: Claim, spent: float, lease: Lease, now: float) -> None:
        """The slice as of now. What was spent while Redis was asked stays to be settled next time."""
        one.spent -= spent
        one.missed = 0.0
        one.held = one.room = lease.grant
        one.blocked_until = now + lease.wait if lease.grant < 1 and lease.wait else 0.0
        if claim.want:
            return
        if not one.spent:
            self._slices.forget(claim.key)
            return
        one.room = one.limit.share(self._slices.processes)  # used again while it was given back: as at first sight

    def _go_on_alone(self, now: float) -> None:
        """Refill each slice by this process's share of what comes back, up to half its share of the burst.

        A day's quota does not come back; what is spent of it is told to Redis when that is there again.
        """
        processes, seconds = self._slices.processes, now - self._settled_at
        for key, one in self._slices.items():
            most = one.limit.alone(processes)
            if not one.limit.interval:
                one.room, one.blocked_until = max(one.room, most), now + PAUSE
                continue
            is_unused = not (one.spent or one.missed or one.held)
            left = max(0.0, one.room - one.spent)
            one.room = min(most, left + one.limit.refilled(seconds, processes))
            one.held = one.spent = one.missed = 0.0
            lacking = max(0.0, 1 - one.room) * one.limit.interval * processes / MICROSECONDS
            one.blocked_until = now + lacking if lacking else 0.0
            if is_unused and one.room >= most:
                self._slices.forget(key)


def _farewell(key: str, one: Slice) -> Claim:
    return Claim(key=key, limit=one.limit, charge=one.spent - one.held, want=0.0)
