"""Answers about tokens that exist: introspection (RFC 7662, RFC 9701) and revocation (RFC 7009), recorded where due.

Active answers are counted, not written one by one; what was asked in vain is. A caller that proves itself by a one-time
assertion spends it here as everywhere, so its questions leave an event each.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from audit import events
from exchange import revoking, roots
from exchange.gatekeeping import Passed, charge, check
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
    from exchange.own_tokens import OwnToken
    from exchange.passages import Passage
    from exchange.references import References
    from exchange.snapshot import Snapshot, Snapshots
    from exchange.standings import Standings
    from exchange.trail import Trail
    from policy.tokens import JSON


class Questions:
    """Beside the answerer, with the same promises: one answer each, and nothing told that is not true now."""

    def __init__(
        self, answerer: Answerer, snapshots: Snapshots, ledger: Ledger, references: References, standings: Standings
    ) -> None:
        self._answerer = answerer
        self._snapshots = snapshots
        self._ledger = ledger
        self._references = references
        self._standings = standings

    async def introspect(self, incoming: Incoming, begin: Callable[[], Trail], accept: str) -> Answer:
        """Whether a token is active, and what the caller may know of it; signed if the caller asked for that."""

        async def work(trail: Trail, snapshot: Snapshot) -> Answer:
            now = self._snapshots.now()
            found = await introspect(incoming, snapshot, self._references, self._standings, trail, now=now)
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
            now = self._snapshots.now()
            own = await revoking.asked_to_revoke(incoming, snapshot, self._references, trail, now=now)
            if isinstance(own, Wrong):
                await self._give_back(own, incoming, trail, snapshot)
            else:
                await asyncio.to_thread(revoking.revoke, own, trail, correlation_id=UUID(trail.correlation_id))
            return Answer(status=200, headers=NO_STORE, body=b"{}")

        return await self._answerer.answer(begin, work)

    async def _give_back(self, wrong: Wrong, incoming: Incoming, trail: Trail, snapshot: Snapshot) -> None:
        """What is no access token may be a refresh token; what is neither is recorded as asked in vain."""
        token, correlation_id = introspection.parse_question(incoming.form), UUID(trail.correlation_id)
        can_be = wrong.reason in {Reason.TOKEN_MALFORMED, Reason.TOKEN_UNKNOWN}
        if not can_be or not await asyncio.to_thread(roots.give_back, token, trail, correlation_id=correlation_id):
            await self._ledger.note(events.TokenRevoked, wrong, trail, epoch=snapshot.registry.epoch)

    async def verify(
        self, passage: Passage, begin: Callable[[], Trail], passed: Callable[[OwnToken], None] = lambda _own: None
    ) -> Answer:
        """Whether the original request may pass. What was tried in vain with a token of ours is recorded.

        ``passed`` hears of the token of a request that may.
        """

        async def work(trail: Trail, snapshot: Snapshot) -> Answer:
            now = self._snapshots.now()
            found = await check(passage, snapshot, self._references, self._standings, now=now)
            if found.own is not None:
                trail.concerns(found.own.client_id, found.spends if isinstance(found, Passed) else ())
            charge(found, self._answerer.limits, snapshot.registry, trail.address)
            try:
                await self._note(found, trail, snapshot)
            except Replayed:
                trail.has_spent()
                again = Wrong(reason=Reason.PROOF_REPLAYED, expected="a proof not used before", received="used before")
                found = Stopped(status=401, error="invalid_token", wrong=again, own=found.own)
                await self._note(found, trail, snapshot)
            if isinstance(found, Stopped):
                return held_back(found, passage.description)
            passed(found.own)
            return let_through(found.own)

        return await self._answerer.answer(begin, work)

    async def _note(self, found: Passed | Stopped, trail: Trail, snapshot: Snapshot) -> None:
        """Record what a proof was spent on, and what was tried in vain. Raises ``Replayed``."""
        wrong = found.wrong if isinstance(found, Stopped) else None
        if found.own is not None and (wrong is not None or trail.unspent()):
            await self._ledger.note(events.TokenIntrospected, wrong, trail, epoch=snapshot.registry.epoch)


def _signed(members: dict[str, JSON], snapshot: Snapshot, audience: str, issued_at: int) -> Answer:
    claims = introspection.envelope(members, issuer=snapshot.registry.issuer, audience=audience, issued_at=issued_at)
    return introspection.signed(snapshot.keys.signer.compact(introspection.SIGNED_TYPE, claims))
