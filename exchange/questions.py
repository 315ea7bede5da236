"""Answers about tokens that exist: introspection (RFC 7662, RFC 9701) and revocation (RFC 7009), recorded where due.

Active answers are counted, not written one by one; what was asked in vain is. A caller that proves itself by a one-time
assertion spends it here as everywhere, so its questions leave an event each.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from audit import events
from exchange import revoking
from exchange.gatekeeping import Passed, check
from exchange.introspecting import INACTIVE, introspect
from exchange.jwt_checks import Wrong
from exchange.ledger import Replayed
from exchange.passages import Stopped, held_back, let_through
from exchange.protocol import introspection
from exchange.protocol.response import NO_STORE, Answer
from policy.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from exchange.answering import Answerer
    from exchange.caller import Incoming
    from exchange.ledger import Ledger
    from exchange.passages import Passage
    from exchange.snapshot import Snapshot, Snapshots
    from exchange.standings import Standings
    from exchange.trail import Trail
    from policy.tokens import JSON


class Questions:
    """Beside the answerer, with the same promises: one answer each, and nothing told that is not true now."""

    def __init__(self, answerer: Answerer, snapshots: Snapshots, ledger: Ledger, standings: Standings) -> None:
        self._answerer = answerer
        self._snapshots = snapshots
        self._ledger = ledger
        self._standings = standings

    async def introspect(self, incoming: Incoming, begin: Callable[[], Trail], accept: str) -> Answer:
        """Whether a token is active, and what the caller may know of it; signed if the caller asked for that."""

        async def work(trail: Trail, snapshot: Snapshot) -> Answer:
            now = self._snapshots.now()
            found = await introspect(incoming, snapshot, self._standings, trail, now=now)
            wrong, members = (found, INACTIVE) if isinstance(found, Wrong) else (None, found)
            if wrong is not None or trail.unspent():
                await self._ledger.note(events.TokenIntrospected, wrong, trail, epoch=snapshot.registry.epoch)
            if introspection.wants_signature(accept):
                return _signed(members, snapshot, trail.client_id(), int(now.timestamp()))
            return introspection.plain(members)

        return await self._answerer.answer(begin, work)

    async def revoke(self, incoming: Incoming, begin: Callable[[], Trail]) -> Answer:
        """The caller's token is not good any more; 200 likewise for what it cannot or need not end (section 2.2)."""

        async def work(trail: Trail, snapshot: Snapshot) -> Answer:
            own = revoking.asked_to_revoke(incoming, snapshot, trail, now=self._snapshots.now())
            if isinstance(own, Wrong):
                await self._ledger.note(events.TokenRevoked, own, trail, epoch=snapshot.registry.epoch)
            else:
                await asyncio.to_thread(revoking.revoke, own, trail, correlation_id=UUID(trail.correlation_id))
            return Answer(status=200, headers=NO_STORE, body=b"{}")

        return await self._answerer.answer(begin, work)

    async def verify(self, passage: Passage, begin: Callable[[], Trail]) -> Answer:
        """Whether the original request may pass. What was tried in vain with a token of ours is recorded."""

        async def work(trail: Trail, snapshot: Snapshot) -> Answer:
            found = await check(passage, snapshot, self._standings, now=self._snapshots.now())
            try:
                await self._note(found, trail, snapshot)
            except Replayed:
                trail.has_spent()
                again = Wrong(reason=Reason.PROOF_REPLAYED, expected="a proof not used before", received="used before")
                found = Stopped(status=401, error="invalid_token", wrong=again, own=found.own)
                await self._note(found, trail, snapshot)
            return held_back(found) if isinstance(found, Stopped) else let_through(found.own)

        return await self._answerer.answer(begin, work)

    async def _note(self, found: Passed | Stopped, trail: Trail, snapshot: Snapshot) -> None:
        """Record what a proof was spent on, and what was tried in vain. Raises ``Replayed``."""
        wrong, spends = (found.wrong, ()) if isinstance(found, Stopped) else (None, found.spends)
        if found.own is not None and (wrong is not None or spends):
            trail.concerns(found.own.client_id, spends)
            await self._ledger.note(events.TokenIntrospected, wrong, trail, epoch=snapshot.registry.epoch)


def _signed(members: dict[str, JSON], snapshot: Snapshot, audience: str, issued_at: int) -> Answer:
    claims = introspection.envelope(members, issuer=snapshot.registry.issuer, audience=audience, issued_at=issued_at)
    return introspection.signed(snapshot.keys.signer.compact(introspection.SIGNED_TYPE, claims))
