"""The straight line: one RFC 8693 request, from wire to token. Read first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.actors import verify_actor
from exchange.clients import authenticate_client
from exchange.minting import mint
from exchange.possession import possess
from exchange.protocol.client_auth import present
from exchange.protocol.errors import WIRE
from exchange.protocol.request import parse_grant
from exchange.registry import own_tokens
from exchange.spending import spends_of
from exchange.subjects import establish
from exchange.verifying import read_subject
from policy.decision import decide
from policy.facts import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.caller import Incoming
    from exchange.keys import Signer
    from exchange.ledger import Ledger
    from exchange.registry import Registry
    from exchange.signed_token import SignedToken
    from exchange.trail import Trail


async def exchange(
    incoming: Incoming, registry: Registry, signer: Signer, ledger: Ledger, trail: Trail, *, now: datetime
) -> SignedToken:
    """One exchange. Raises ``OAuthError`` for a no; the token is ours alone until the ledger has committed."""
    request = trail.asked(parse_grant(incoming.form))
    credentials = trail.presented(present(incoming.authorization, incoming.form, incoming.certificate))
    client = trail.authenticated(authenticate_client(credentials, registry, grant_type=request.grant_type, now=now))
    incoming.limits.client(client.client, request.grant_type)
    possession = trail.possesses(possess(incoming, client.client, url=registry.token_endpoint, now=now))
    presented = read_subject(request, registry.issuer, incoming.told)
    issuer = trail.trusts(registry.issuer_for(client.client, presented))
    subject = trail.verified(establish(presented, issuer, client.client, possession, now=now))
    incoming.limits.subject(subject)
    actor = trail.acts(verify_actor(request, registry, client.client, possession, incoming.told, now=now))
    facts = registry.facts(request, client.client, issuer, subject, actor)
    outcome = trail.decided(decide(facts, now=now))
    if isinstance(outcome, Refused):
        raise WIRE[outcome.reason](outcome.reason, outcome.steps)
    binding = possession.binding(subject, actor)
    signed = mint(outcome, client.client, binding, signer, issuer=registry.issuer, now=now)
    spends = (*trail.unspent(), *spends_of(subject, facts.trust, is_grant=request.is_assertion))
    return await ledger.record(signed, spends, trail, rests_on=own_tokens(subject, actor), epoch=registry.epoch)
