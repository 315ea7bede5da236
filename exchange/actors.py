"""The acting party of a delegation: its token, verified under the trust of its own issuer (RFC 8693 s1.1, s2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.registry import Ourselves
from exchange.subjects import vouched
from exchange.verifying import read_or_ask
from policy.facts import Actor
from policy.reasons import Rule

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.opaque_tokens import Told
    from exchange.possession import Possession
    from exchange.protocol.request import TokenRequest
    from exchange.registry import Registry
    from policy.parties import Client
    from policy.tokens import VerifiedToken


def verify_actor(
    request: TokenRequest,
    registry: Registry,
    client: Client,
    possession: Possession,
    told: tuple[Told, ...],
    *,
    now: datetime,
) -> Actor[VerifiedToken] | None:
    """The acting party, or None where the request names none. Raises as ``confirm`` does."""
    if request.actor_token is None or request.actor_token_type is None:
        return None
    presented = read_or_ask(request.actor_token, request.actor_token_type, Rule.ACTOR_TOKEN, told)
    issuer = registry.issuer_for(client, presented)
    token = vouched(presented, issuer, client, possession, now=now)
    return Actor(token=token, trust=None if isinstance(issuer, Ourselves) else issuer.trust)
