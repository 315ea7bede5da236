"""The acting party of a delegation: its token, verified under the trust of its own issuer (RFC 8693 s1.1, s2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.verifying import read, verify
from policy.facts import Actor
from policy.reasons import Rule

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.possession import Possession
    from exchange.protocol.request import TokenExchangeRequest
    from exchange.registry import Registry
    from policy.parties import Client
    from policy.tokens import VerifiedToken


def verify_actor(
    request: TokenExchangeRequest, registry: Registry, client: Client, possession: Possession, *, now: datetime
) -> Actor[VerifiedToken] | None:
    """The acting party, or None where the request names none. Raises as ``verify`` does."""
    if request.actor_token is None or request.actor_token_type is None:
        return None
    presented = read(request.actor_token, request.actor_token_type, Rule.ACTOR_TOKEN)
    issuer = registry.issuer_for(client, presented.unverified_issuer)
    return Actor(token=verify(presented, issuer, client, possession, now=now), trust=issuer.trust)
