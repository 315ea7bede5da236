"""From a complete request to a durable answer: the straight line, tried again when the ground moved under it.

The configuration may move while a decision waits for its commit; the ledger then refuses the commit and the decision is
made again under the new configuration. A key not seen yet may be fetched once (RFC 8693 s2.2.2, reliability.md 3.4).
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog
from msgspec.structs import replace

from exchange import device_requests, devices, inquiries, interactive, jwks, nonces
from exchange.familiar import FamiliarTokens
from exchange.interactive import Lent, Sitting, authenticate, consent_of
from exchange.ledger import Ledger, LedgerFull, LedgerUnavailable, Replayed, Revoked, StaleRegistry
from exchange.limits.charged import Charged
from exchange.line import Line
from exchange.opaque_tokens import MustIntrospect, MustLookUp
from exchange.pipeline import exchange, issue
from exchange.protocol.errors import WIRE, OAuthError, refusal
from exchange.protocol.oauth_errors import AssertionRefused, InvalidGrant, UnacceptableToken
from exchange.protocol.request import JWT_BEARER, TOKEN_EXCHANGE
from exchange.protocol.response import Answer, failure, success
from exchange.rulings import Rulings
from exchange.snapshot import Snapshot, Snapshots, SnapshotUnavailable
from exchange.verifying import MissingKey
from policy.reasons import Reason, Rule
from policy.tokens import TokenType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from exchange.caller import Incoming
    from exchange.limits.floods import Floods
    from exchange.limits.levels import Limits
    from exchange.opaque_tokens import Told
    from exchange.references import References
    from exchange.signed_token import SignedToken
    from exchange.trail import Trail
    from partners.selectors import RegisteredClient

    Relay = Callable[[Sitting], Awaitable[Answer]]

MAX_ATTEMPTS: Final = 5
ISSUE_SECONDS: Final = 10.0
"""Longer than the ledger ever keeps anybody waiting."""

_GRANTS: Final = interactive.GRANTS | {JWT_BEARER}
"""Where the credential that is refused is itself the grant."""

log = structlog.get_logger(__name__)


class LearntMore(Exception):
    """An issuer was asked about a token of this request; the line can be run again."""


class Answerer:
    """Gives every request exactly one answer, and sees to it that the answer is recorded before it is told."""

    def __init__(
        self, snapshots: Snapshots, ledger: Ledger, references: References, limits: Limits, floods: Floods
    ) -> None:
        self._snapshots = snapshots
        self._ledger = ledger
        self._references = references
        self.limits = limits
        self._floods = floods
        self._known = FamiliarTokens(), Rulings()

    def exchange(self, incoming: Incoming, begin: Callable[[], Trail]) -> Awaitable[Answer]:
        """The answer to a token exchange. ``begin`` makes a fresh trail for each attempt.

        Where an issuer, or our own ledger, must be asked about an opaque token, it is asked once, and the line run
        again with its answer.
        """
        latest = incoming

        async def attempt(trail: Trail, snapshot: Snapshot) -> Answer:
            nonlocal latest
            try:
                answer = await self._decided(latest, trail, snapshot)
            except MustLookUp as must:
                told = (*latest.told, await self._ask(must))
                charged = Charged(limits=self.limits, has_subject=must.has_subject)
                latest = replace(latest, told=told, limits=charged)
                raise LearntMore from must
            if not latest.proofs:
                return answer
            return nonces.offered(answer, latest, trail.authenticated_client, now=self._snapshots.now())

        return self._until_it_holds(begin, attempt)

    async def _ask(self, must: MustLookUp) -> Told:
        """What the token's issuer says of it. Raises ``Unanswered`` where that is our own ledger."""
        if isinstance(must, MustIntrospect):
            return await inquiries.ask(must)
        return await self._references.tell(must.opaque)

    async def relay(self, incoming: Incoming, begin: Callable[[], Trail], relay: Relay) -> Answer:
        """The answer to an interactive grant: the client authenticated here, the rest by django-oauth-toolkit.

        The toolkit is asked once; should the configuration move meanwhile, the client is judged again under the new
        one before the answer may leave.
        """
        given: list[tuple[Answer, Sitting]] = []
        asking: RegisteredClient | None = None

        async def work(trail: Trail, snapshot: Snapshot) -> Answer:
            nonlocal asking
            registry = snapshot.registry
            client = authenticate(incoming, registry, trail, now=self._snapshots.now())
            asking = registry.client(trail.client_id())
            if not given:
                seat = Sitting(client=client, issue=self._issuing(incoming, begin))
                given.append((await relay(seat), seat))
                if seat.issued is not None and given[0][0].status == HTTPStatus.OK:
                    return given[0][0]  # recorded with its token, before the toolkit heard of it
            answer, seat = given[0]
            if seat.waits is not None:
                raise refusal(seat.waits, Rule.SUBJECT_TOKEN, "a request that somebody allowed", "none, or not yet")
            return await self._ledger.relay(answer, trail, epoch=registry.epoch)

        answer = await self.answer(begin, work)
        return answer if asking is None else nonces.offered(answer, incoming, asking, now=self._snapshots.now())

    def _issuing(self, incoming: Incoming, begin: Callable[[], Trail]) -> Callable[[Lent], SignedToken]:
        """How the toolkit's thread gets a token of our pipeline, which runs on the event loop."""
        loop = asyncio.get_running_loop()

        def issue(lent: Lent) -> SignedToken:
            return asyncio.run_coroutine_threadsafe(self._issue(lent, incoming, begin), loop).result(ISSUE_SECONDS)

        return issue

    async def _issue(self, lent: Lent, incoming: Incoming, begin: Callable[[], Trail]) -> SignedToken:
        """A token for what a person lent, decided again while the configuration moves. Raises as ``issue`` does."""
        for _ in range(MAX_ATTEMPTS):
            trail, snapshot = begin(), self._snapshots.current
            line = self._line(trail, snapshot)
            client = authenticate(incoming, snapshot.registry, trail, now=line.now, is_again=True)
            try:
                return await issue(consent_of(lent, client, snapshot.registry, trail), incoming, line)
            except StaleRegistry as stale:
                await self._snapshots.catch_up(stale.epoch)
        raise LedgerUnavailable("the configuration would not stand still")

    async def authorize_device(self, incoming: Incoming, begin: Callable[[], Trail]) -> Answer:
        """The answer to a device that asks to be let in (RFC 8628 section 3.2): its codes, kept and recorded first."""

        async def work(trail: Trail, snapshot: Snapshot) -> Answer:
            registry, now = snapshot.registry, self._snapshots.now()
            asked = device_requests.asked(incoming, registry, self.limits, trail, now=now)
            codes = await asyncio.to_thread(devices.begin, asked, trail, epoch=registry.epoch)
            return device_requests.told(codes, registry.issuer)

        return await self.answer(begin, work)

    async def answer(self, begin: Callable[[], Trail], work: Callable[[Trail, Snapshot], Awaitable[Answer]]) -> Answer:
        """The answer that ``work`` gives, or its refusal, recorded. ``begin`` makes a fresh trail for each attempt."""

        async def attempt(trail: Trail, snapshot: Snapshot) -> Answer:
            try:
                return await work(trail, snapshot)
            except OAuthError as error:
                return await self._refuse(error, trail, snapshot)
            except Replayed as replayed:
                return await self._refuse(_replay(replayed, trail), trail, snapshot)

        return await self._until_it_holds(begin, attempt)

    async def refuse(self, error: OAuthError, begin: Callable[[], Trail]) -> Answer:
        """The answer to a request that failed before the line began."""
        return await self._until_it_holds(begin, lambda trail, snapshot: self._refuse(error, trail, snapshot))

    async def _until_it_holds(
        self, begin: Callable[[], Trail], attempt: Callable[[Trail, Snapshot], Awaitable[Answer]]
    ) -> Answer:
        """Try until the configuration stands still long enough; then, or without a database, 503."""
        has_fetched = False
        reason = Reason.LEDGER_UNAVAILABLE
        try:
            for _ in range(MAX_ATTEMPTS):
                trail = begin()
                snapshot = self._snapshots.current
                try:
                    return await attempt(trail, snapshot)
                except LearntMore:
                    continue
                except StaleRegistry as stale:
                    await self._snapshots.catch_up(stale.epoch)
                except MissingKey as missing:
                    if has_fetched:
                        return await self._refuse(missing.otherwise, trail, snapshot)
                    has_fetched = True
                    await jwks.refresh_for_unknown_key(missing.key_source_id, missing.kid)
                    await self._snapshots.catch_up()
        except LedgerFull:
            reason = Reason.OVERLOADED
        except (LedgerUnavailable, SnapshotUnavailable) as error:
            log.warning("exchange.unrecorded", correlation_id=begin().correlation_id, cause=str(error))
        return failure(WIRE[reason](reason), begin().correlation_id)

    async def _decided(self, incoming: Incoming, trail: Trail, snapshot: Snapshot) -> Answer:
        try:
            signed = await exchange(incoming, self._line(trail, snapshot))
        except OAuthError as error:
            return await self._refuse(error, trail, snapshot)
        except Replayed as replayed:
            return await self._refuse(_replay(replayed, trail), trail, snapshot)
        except Revoked:
            revoked = refusal(Reason.TOKEN_REVOKED, Rule.RECORD, "a token in force", "revoked, or exchanged from one")
            return await self._refuse(revoked, trail, snapshot)
        return success(signed, TokenType.ACCESS_TOKEN if trail.grant_type == TOKEN_EXCHANGE else None)

    def _line(self, trail: Trail, snapshot: Snapshot) -> Line:
        return Line(snapshot.registry, snapshot.keys.signer, self._ledger, *self._known, trail, self._snapshots.now())

    async def _refuse(self, error: OAuthError, trail: Trail, snapshot: Snapshot) -> Answer:
        """Record, then tell. A refused request spends its proofs too; one that was replayed is refused for that."""
        error = _worded(error, trail)
        if error.status == HTTPStatus.UNAUTHORIZED:
            self.limits.failed(trail.address, error.reason)
        try:
            if not self._floods.absorbs(error, trail):
                await self._ledger.refuse(error, trail, epoch=snapshot.registry.epoch)
        except Replayed as replayed:
            return await self._refuse(_replay(replayed, trail), trail, snapshot)
        log.info(
            "exchange.refused",
            correlation_id=trail.correlation_id,
            reason=error.reason.value,
            client=trail.client_id(),
        )
        return failure(error, trail.correlation_id)


def _worded(error: OAuthError, trail: Trail) -> OAuthError:
    """What is an invalid request as a subject token is an invalid grant where it is the grant (rules 53, 64)."""
    if not isinstance(error, UnacceptableToken) or trail.grant_type == TOKEN_EXCHANGE:
        return error
    words = AssertionRefused if trail.grant_type == JWT_BEARER else InvalidGrant
    return words(error.reason, error.steps) if trail.grant_type in _GRANTS else error


def _replay(replayed: Replayed, trail: Trail) -> OAuthError:
    """The refusal of a second use. It claims nothing: what it would claim is spent."""
    trail.has_spent()
    spend = replayed.spend
    return refusal(spend.reason, Rule.RECORD, f"a {spend.purpose} not used before", "used before")
