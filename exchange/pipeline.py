"""The straight line: one RFC 8693 request, from wire to token. Read first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.actors import verify_actor
from exchange.clients import authenticate_client
from exchange.in_step import in_step
from exchange.minting import mint
from exchange.possession import possess
from exchange.protocol.client_auth import present
from exchange.protocol.errors import WIRE
from exchange.protocol.request import parse_grant
from policy.facts import Refused

if TYPE_CHECKING:
    from exchange.caller import Incoming
    from exchange.line import Line
    from exchange.people import Consent
    from exchange.possession import Possession
    from exchange.signed_token import SignedToken
    from policy.facts import Facts
    from policy.tokens import EstablishedSubject


async def exchange(incoming: Incoming, line: Line) -> SignedToken:
    """One exchange. Raises ``OAuthError`` for a no; the token is ours alone until the ledger has committed."""
    registry, trail, familiar, now = line.registry, line.trail, line.familiar, line.now
    request = await in_step(trail.asked(parse_grant(incoming.form)))
    credentials = await in_step(trail.presented(present(incoming.authorization, incoming.form, incoming.certificate)))
    proven = authenticate_client(credentials, registry, grant_type=request.grant_type, now=now)
    client = await in_step(trail.authenticated(proven))
    incoming.limits.client(client.client, request.grant_type)
    possession = trail.possesses(possess(incoming, client.client, url=registry.token_endpoint, now=now))
    presented = await in_step(familiar.read(request, registry.issuer, incoming.told))
    issuer = trail.trusts(registry.issuer_for(client.client, presented))
    subject = await in_step(trail.verified(familiar.establish(presented, issuer, client.client, possession, now=now)))
    incoming.limits.subject(subject)
    actor = trail.acts(verify_actor(request, registry, client.client, possession, incoming.told, now=now))
    facts = await in_step(registry.facts(request, client.client, issuer, subject, actor))
    return await _conclude(facts, possession, line)


async def issue(consent: Consent, incoming: Incoming, line: Line) -> SignedToken:
    """A token for a person who agreed to it, by django-oauth-toolkit's grants. Raises as ``exchange`` does."""
    possession = line.trail.possesses(possess(incoming, consent.client, url=line.registry.token_endpoint, now=line.now))
    possession.require(consent.jkt)
    people, subject = line.trail.trusts(line.registry.people), line.trail.verified(consent.subject)
    return await _conclude(line.registry.facts(consent, consent.client, people, subject, None), possession, line)


async def _conclude(facts: Facts[EstablishedSubject], possession: Possession, line: Line) -> SignedToken:
    """Every way ends here: one decision, one mint, one commit before the answer."""
    outcome = await in_step(line.trail.decided(line.rulings.decide(facts, now=line.now)))
    if isinstance(outcome, Refused):
        raise WIRE[outcome.reason](outcome.reason, outcome.steps)
    binding = possession.binding(facts.subject, facts.actor)
    signed = mint(outcome, facts.client, binding, line.signer, issuer=line.registry.issuer, now=line.now)
    return await line.record(await in_step(signed), facts)
