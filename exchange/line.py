"""What one attempt at a request works with, beside the request itself (RFC 8693 section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exchange.protocol.request import TokenRequest
from exchange.registry import own_tokens
from exchange.spending import spends_of

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.familiar import FamiliarTokens
    from exchange.keys import Signer
    from exchange.ledger import Ledger
    from exchange.registry import Registry
    from exchange.rulings import Rulings
    from exchange.signed_token import SignedToken
    from exchange.trail import Trail
    from policy.facts import Facts
    from policy.tokens import EstablishedSubject


class Line(NamedTuple):
    """The configuration, the key that signs, the ledger, what is known already, the attempt's trail and its moment."""

    registry: Registry
    signer: Signer
    ledger: Ledger
    familiar: FamiliarTokens
    rulings: Rulings
    trail: Trail
    now: datetime

    async def record(self, signed: SignedToken, facts: Facts[EstablishedSubject]) -> SignedToken:
        """Make the token's rows durable, and spend what the request spends. Raises as ``Ledger.record`` does."""
        is_grant = isinstance(facts.request, TokenRequest) and facts.request.is_assertion
        spends = (*self.trail.unspent(), *spends_of(facts.subject, facts.trust, is_grant=is_grant))
        rests_on = own_tokens(facts.subject, facts.actor) if facts.origins else ()
        return await self.ledger.record(signed, spends, self.trail, rests_on=rests_on, epoch=self.registry.epoch)
