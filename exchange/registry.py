"""The immutable snapshot of partners, clients, trusts, mappings and public keys that every exchange is decided from.

No database read per exchange (performance.md decision 3): when the epoch moves, a new snapshot is made by re-reading
only what moved. It holds public keys only, so the simulator can use it without a path to a private one (RFC 8693).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from exchange.keyring import EMPTY, KeyRing, key_ring
from exchange.opaque_tokens import OpaqueToken
from exchange.protocol.errors import refusal
from exchange.protocol.response import API_PATH
from policy.facts import Facts
from policy.mapping import MappingSource, by_target
from policy.origin import Origin
from policy.reasons import Reason, Rule, shown
from policy.tokens import VerifiedToken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta
    from uuid import UUID

    from exchange.familiar import FamiliarToken
    from exchange.verifying import PresentedToken
    from partners.introspection_values import RegisteredIntrospection
    from partners.selectors import Configuration, PartnerConfiguration, RegisteredClient
    from policy.facts import Actor, Asked
    from policy.mapping import ScopeMapping
    from policy.parties import Client, Target
    from policy.tokens import JSON, EstablishedSubject
    from policy.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """A trusted issuer of one partner, with everything needed to verify and decide."""

    trust: Trust
    mappings: Mapping[UUID, tuple[ScopeMapping, ...]]
    """By target id, in the partner's order."""
    key_source_id: UUID
    keys: KeyRing
    introspection: RegisteredIntrospection | None = None
    audiences: frozenset[str]
    """What a token of this issuer may name in ``aud``, beside the client's own id: us, and what the trust lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ourselves:
    """No foreign issuer: what a token of ours, or a client by itself, is worth to the clients of one partner."""

    source: MappingSource
    mappings: Mapping[UUID, tuple[ScopeMapping, ...]]
    issuer: str = ""
    keys: KeyRing = EMPTY
    audiences: frozenset[str] = frozenset()
    """Whom a token of ours may have been meant for, beside the client itself: us, and what the client serves."""


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
    ourselves: Mapping[tuple[UUID | None, MappingSource], Ourselves] = field(repr=False)
    """By the partner of the client that asks."""
    own_keys: KeyRing = field(repr=False)
    people: Ourselves = field(repr=False)
    """What people who signed in here can lend, whichever client asks."""
    key_rings: Mapping[UUID, KeyRing] = field(repr=False)

    @property
    def people_audience(self) -> str:
        """What tokens of people are made for: our own API."""
        return self.issuer + API_PATH

    def client(self, client_id: str) -> RegisteredClient | None:
        """The registered client of this id, active or not."""
        return self.clients.get(client_id)

    def client_keys(self, client: RegisteredClient) -> KeyRing:
        """The keys that may sign the client's assertions."""
        return EMPTY if client.key_source_id is None else self.key_rings.get(client.key_source_id, EMPTY)

    def facts(
        self,
        request: Asked,
        client: Client,
        issuer: Issuer | Ourselves,
        subject: EstablishedSubject,
        actor: Actor[VerifiedToken] | None,
    ) -> Facts[EstablishedSubject]:
        """What the decision is made from."""
        return Facts(
            request=request,
            client=client,
            subject=subject,
            actor=actor,
            source=issuer.source if isinstance(issuer, Ourselves) else MappingSource.TRUST,
            trust=None if isinstance(issuer, Ourselves) else issuer.trust,
            mappings=issuer.mappings,
            targets=self.targets,
            ceiling=self.ceiling,
            origins=tuple(self.origin(token.claims) for token in own_tokens(subject, actor)),
        )

    def origin(self, claims: Mapping[str, JSON]) -> Origin:
        """Where a token of ours came from, as far as that can end before the token does."""
        holder, source = self.clients.get(str(claims.get("client_id"))), claims.get("src")
        issuer = str(source.get("iss")) if isinstance(source, dict) else None
        client = None if holder is None else holder.client
        partner = None if client is None else client.partner
        is_trusted = partner is not None and (partner.id, issuer) in self.issuers
        return Origin(client=client, issuer=issuer, is_trusted=is_trusted)

    def issuer_for(
        self, client: Client, presented: PresentedToken | OpaqueToken | FamiliarToken | None
    ) -> Issuer | Ourselves:
        """Who vouches: ourselves, or the trust of the client's partner for exactly this issuer (rule 29).

        No network call, no fallback. Raises ``UntrustedIssuer``.
        """
        partner = client.partner
        owner = None if partner is None else partner.id
        if presented is None:
            return self.ourselves.get((owner, MappingSource.CLIENT), _BY_ITSELF)
        if isinstance(presented, OpaqueToken) and not presented.is_ours:
            return self._introspected(client, presented)
        unverified_issuer = self.issuer if isinstance(presented, OpaqueToken) else presented.unverified_issuer
        if unverified_issuer == self.issuer:
            own = self.ourselves.get((owner, MappingSource.OWN_TOKEN), _BY_OWN_TOKEN)
            audiences = self.clients[client.client_id].serves | {self.issuer, self.issuer + API_PATH}
            return replace(own, issuer=self.issuer, keys=self.own_keys, audiences=audiences)
        if partner is not None and isinstance(unverified_issuer, str):
            issuer = self.issuers.get((partner.id, unverified_issuer))
            if issuer is not None:
                return issuer
        raise refusal(
            Reason.ISSUER_UNTRUSTED, Rule.ISSUER, "an issuer trusted for this partner", shown(unverified_issuer)
        )

    def _introspected(self, client: Client, opaque: OpaqueToken) -> Issuer:
        """The one issuer of the client's partner that can be asked: the token cannot say whose it is.

        Asking several would show one issuer's token to another. Raises ``UnacceptableToken`` or ``UntrustedIssuer``.
        """
        partner = client.partner
        entries = self.partners[partner.id].issuers if partner is not None else ()
        asked = [entry.trust for entry in entries if entry.introspection is not None]
        if not asked:
            raise refusal(Reason.TOKEN_MALFORMED, opaque.rule, "a compact JWS", "opaque text, and no issuer to ask")
        if len(asked) > 1:
            raise refusal(Reason.ISSUER_UNTRUSTED, Rule.ISSUER, "one trust with introspection", str(len(asked)))
        return self.issuers[asked[0].partner.id, asked[0].issuer]


def own_tokens(subject: EstablishedSubject, actor: Actor[EstablishedSubject] | None) -> tuple[VerifiedToken, ...]:
    """Those of a request's tokens that we issued ourselves: they must not have been revoked meanwhile."""
    tokens = (subject, None if actor is None else actor.token)
    return tuple(token for token in tokens if isinstance(token, VerifiedToken) and token.family_id)


def _ourselves(source: MappingSource, mappings: Iterable[ScopeMapping]) -> Ourselves:
    return Ourselves(source=source, mappings=by_target(mapping for mapping in mappings if mapping.source is source))


_BY_ITSELF: Final = _ourselves(MappingSource.CLIENT, ())
_BY_OWN_TOKEN: Final = _ourselves(MappingSource.OWN_TOKEN, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is ours and in no partner's configuration: our own API as a target, and what it offers to whom."""

    issuer: str
    ceiling: timedelta
    keys: KeyRing
    api: Target
    people: Ourselves
    own_clients: tuple[ScopeMapping, ...] = ()
    """What clients without a partner may ask for by themselves, beside what is published for them."""


def build(previous: Registry | None, moved: Configuration, ours: Installation) -> Registry:
    """The snapshot after ``moved``: what did not move is taken over from ``previous``, untouched."""
    index = _Index.copy_of(previous)
    for owner, configuration in moved.partners.items():
        index.leave_out(previous.partners.get(owner) if previous else None)
        index.take_in(configuration, ours.issuer)
    if moved.targets is None and previous is not None:
        targets = previous.targets
    else:
        known = (ours.api, *(moved.targets or ()))
        targets = {name: target for target in known for name in (target.audience, *target.resources)}
    partners = {**(previous.partners if previous else {}), **moved.partners}
    return Registry(
        epoch=moved.epoch,
        issuer=ours.issuer,
        token_endpoint=ours.issuer + TOKEN_PATH,
        ceiling=ours.ceiling,
        targets=targets,
        partners=partners,
        clients=index.clients,
        issuers=index.issuers,
        key_rings=index.key_rings,
        ourselves={
            (owner, source): _ourselves(source, mappings)
            for owner, configuration in partners.items()
            if (mappings := configuration.mappings + (ours.own_clients if owner is None else ()))
            for source in (MappingSource.OWN_TOKEN, MappingSource.CLIENT)
        },
        own_keys=ours.keys,
        people=ours.people,
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
                introspection=entry.introspection,
                audiences=entry.trust.audiences | {ours},
            )
