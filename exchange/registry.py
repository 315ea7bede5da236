"""The immutable snapshot of partners, clients, trusts, mappings and public keys that every exchange is decided from.

No database read per exchange (performance.md decision 3): when the epoch moves, a new snapshot is made by re-reading
only what moved. It holds public keys only, so the simulator can use it without a path to a private one (RFC 8693).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from exchange.keyring import EMPTY, KeyRing, key_ring
from exchange.protocol.errors import refusal
from policy.facts import Facts
from policy.mapping import by_target
from policy.reasons import Reason, Rule, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from uuid import UUID

    from exchange.protocol.request import TokenExchangeRequest
    from partners.selectors import Configuration, PartnerConfiguration, RegisteredClient
    from policy.facts import Actor
    from policy.mapping import ScopeMapping
    from policy.parties import Client, Target
    from policy.tokens import VerifiedToken
    from policy.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """A trusted issuer of one partner, with everything needed to verify and decide."""

    trust: Trust
    mappings: Mapping[UUID, tuple[ScopeMapping, ...]]
    """By target id, in the partner's order."""
    key_source_id: UUID
    keys: KeyRing
    audiences: frozenset[str]
    """What a token of this issuer may name in ``aud``, beside the client's own id: us, and what the trust lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """One version of the whole configuration. ``epoch`` is what the ledger compares before it commits."""

    epoch: int
    issuer: str
    """Our own issuer identifier: the audience that tokens and assertions must name."""
    token_endpoint: str
    ceiling: timedelta
    """The longest any token of this installation may live."""
    targets: Mapping[str, Target]
    """By audience and by resource URI."""
    partners: Mapping[UUID | None, PartnerConfiguration] = field(repr=False)
    clients: Mapping[str, RegisteredClient] = field(repr=False)
    issuers: Mapping[tuple[UUID, str], Issuer] = field(repr=False)
    key_rings: Mapping[UUID, KeyRing] = field(repr=False)

    def client(self, client_id: str) -> RegisteredClient | None:
        """The registered client of this id, active or not."""
        return self.clients.get(client_id)

    def client_keys(self, client: RegisteredClient) -> KeyRing:
        """The keys that may sign the client's assertions."""
        return EMPTY if client.key_source_id is None else self.key_rings.get(client.key_source_id, EMPTY)

    def facts(
        self,
        request: TokenExchangeRequest,
        client: Client,
        issuer: Issuer,
        subject: VerifiedToken,
        actor: Actor[VerifiedToken] | None,
    ) -> Facts[VerifiedToken]:
        """What the decision is made from."""
        return Facts(
            request=request,
            client=client,
            subject=subject,
            actor=actor,
            trust=issuer.trust,
            mappings=issuer.mappings,
            targets=self.targets,
            ceiling=self.ceiling,
        )

    def issuer_for(self, client: Client, unverified_issuer: object) -> Issuer:
        """The trust of the client's partner for exactly this issuer (rule 29: no network call, no fallback).

        Raises ``UntrustedIssuer``.
        """
        partner = client.partner
        if partner is not None and isinstance(unverified_issuer, str):
            issuer = self.issuers.get((partner.id, unverified_issuer))
            if issuer is not None:
                return issuer
        raise refusal(
            Reason.ISSUER_UNTRUSTED, Rule.ISSUER, "an issuer trusted for this partner", shown(unverified_issuer)
        )


def build(previous: Registry | None, moved: Configuration, *, issuer: str, ceiling: timedelta) -> Registry:
    """The snapshot after ``moved``: what did not move is taken over from ``previous``, untouched."""
    index = _Index.copy_of(previous)
    for owner, configuration in moved.partners.items():
        index.leave_out(previous.partners.get(owner) if previous else None)
        index.take_in(configuration, issuer)
    if moved.targets is None and previous is not None:
        targets = previous.targets
    else:
        targets = {name: target for target in moved.targets or () for name in (target.audience, *target.resources)}
    return Registry(
        epoch=moved.epoch,
        issuer=issuer,
        token_endpoint=issuer + TOKEN_PATH,
        ceiling=ceiling,
        targets=targets,
        partners={**(previous.partners if previous else {}), **moved.partners},
        clients=index.clients,
        issuers=index.issuers,
        key_rings=index.key_rings,
    )


TOKEN_PATH: Final = "/oauth/token"


@dataclass(slots=True)
class _Index:
    """The look-up tables of a registry in the making: copied whole, then changed for the partners that moved."""

    clients: dict[str, RegisteredClient]
    issuers: dict[tuple[UUID, str], Issuer]
    key_rings: dict[UUID, KeyRing]

    @classmethod
    def copy_of(cls, registry: Registry | None) -> _Index:
        if registry is None:
            return cls({}, {}, {})
        return cls(dict(registry.clients), dict(registry.issuers), dict(registry.key_rings))

    def leave_out(self, configuration: PartnerConfiguration | None) -> None:
        if configuration is None:
            return
        for client in configuration.clients:
            self.clients.pop(client.client.client_id, None)
        for entry in configuration.issuers:
            self.issuers.pop((entry.trust.partner.id, entry.trust.issuer), None)
        for key_set in configuration.key_sets:
            self.key_rings.pop(key_set.id, None)

    def take_in(self, configuration: PartnerConfiguration, ours: str) -> None:
        for key_set in configuration.key_sets:
            ring = key_ring(key_set.keys, is_fetched=key_set.is_fetched, usable_until=key_set.usable_until)
            self.key_rings[key_set.id] = ring
        for client in configuration.clients:
            self.clients[client.client.client_id] = client
        for entry in configuration.issuers:
            self.issuers[entry.trust.partner.id, entry.trust.issuer] = Issuer(
                trust=entry.trust,
                mappings=by_target(entry.mappings),
                key_source_id=entry.key_source_id,
                keys=self.key_rings.get(entry.key_source_id, EMPTY),
                audiences=entry.trust.audiences | {ours},
            )
