"""The whole configuration as frozen values, for the exchange's registry: read in a fixed number of queries.

Only what moved is read again: partners whose version is past the reader's epoch, and the catalogue when it moved.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from partners import models
from partners.drafts_in_place import in_force
from partners.introspection_values import RegisteredIntrospection, introspection_of
from partners.mapping_values import mapping_of, rules_of
from partners.states import BEFORE_ACTIVE, ClientState, KeyMethod, PartnerState, TrustState
from partners.target_values import target_of
from partners.vocabulary import CertificateName
from partners.workload_values import RegisteredWorkload, workload_of
from policy.parties import Allowance, Client, ClientAuthentication, Partner
from policy.tokens import JSON, TokenType
from policy.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from partners.allowances import Allowed
    from policy.mapping import ScopeMapping
    from policy.parties import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One live client secret: the keyed digest, the id of the key it was made with, and its end."""

    digest: bytes
    kek_id: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The last good public keys of one source. ``usable_until`` is the end of stale-if-error; None: no end."""

    id: UUID
    keys: tuple[Mapping[str, JSON], ...]
    is_fetched: bool
    usable_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredCertificate:
    """The name in a client's certificate, and the authorities it may chain to (PEM): its own, or its partner's."""

    kind: CertificateName
    name: str
    trust_anchors: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredClient:
    """A client with what it takes to authenticate it. ``serves`` are the audiences it is a resource server of."""

    client: Client
    secrets: tuple[Secret, ...]
    key_source_id: UUID | None
    certificate: RegisteredCertificate | None
    workload: RegisteredWorkload | None
    serves: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """A trust in force with its published mappings, in the order in which they are tried."""

    trust: Trust
    key_source_id: UUID
    introspection: RegisteredIntrospection | None
    mappings: tuple[ScopeMapping, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerConfiguration:
    """Everything that belongs to one partner. ``partner`` is None for the clients that belong to none.

    ``mappings`` are those whose source is no trust, in the order in which they are tried.
    """

    partner: Partner | None
    clients: tuple[RegisteredClient, ...]
    issuers: tuple[TrustedIssuer, ...]
    mappings: tuple[ScopeMapping, ...]
    key_sets: tuple[KeySet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What moved since the epoch the reader knew. ``targets`` is None when the catalogue did not move."""

    epoch: int
    keys_version: int
    targets: tuple[Target, ...] | None
    partners: Mapping[UUID | None, PartnerConfiguration]


def epoch() -> int:
    """The current epoch of the registry."""
    return models.Registry.objects.values_list("epoch", flat=True).get(pk=1)


def configuration(*, since: int = 0) -> Configuration:
    """The configuration that moved after epoch ``since`` (0: all of it), read in one snapshot of the database."""
    with transaction.atomic():
        _read_one_snapshot()
        registry = models.Registry.objects.get(pk=1)
        catalogue_moved = registry.catalogue_version > since
        targets = active_targets()
        rows = models.Partner.objects.select_related("default_target")
        partners = partners_of(rows if catalogue_moved else rows.filter(version__gt=since), targets)
        if catalogue_moved:
            partners[None] = without_partner(targets)
        return Configuration(
            epoch=registry.epoch,
            keys_version=registry.keys_version,
            targets=tuple(targets.values()) if catalogue_moved else None,
            partners=partners,
        )


def _read_one_snapshot() -> None:
    """Repeatable read, so that a change committed between two queries is seen whole or not at all."""
    if not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def active_targets() -> dict[UUID, Target]:
    """The catalogue by id."""
    rows = models.Target.objects.filter(is_active=True).prefetch_related("scopes")
    return {row.id: target_of(row) for row in rows}


def partners_of(
    rows: QuerySet[models.Partner] | list[models.Partner], targets: Mapping[UUID, Target], draft: UUID | None = None
) -> dict[UUID | None, PartnerConfiguration]:
    """Everything of these partners; ``draft`` as of ``in_force``."""
    found = list(rows)
    ids = [row.id for row in found]
    clients = _by_partner(_client_rows().filter(partner__in=ids))
    trusts = _by_partner(models.FederationTrust.objects.filter(partner__in=ids, state=TrustState.ACTIVE))
    mappings = _by_partner(in_force(draft).filter(partner__in=ids))
    sources = _by_partner(models.KeySource.objects.filter(partner__in=ids))
    return {
        row.id: _partner(row, clients[row.id], trusts[row.id], mappings[row.id], sources[row.id], targets)
        for row in found
    }


def _by_partner(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    groups: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.partner_id].append(row)
    return groups


def _partner(
    row: models.Partner,
    clients: list[models.Client],
    trusts: list[models.FederationTrust],
    mappings: list[models.ScopeMapping],
    sources: list[models.KeySource],
    targets: Mapping[UUID, Target],
) -> PartnerConfiguration:
    partner = Partner(
        id=row.id,
        slug=row.slug,
        is_active=row.state == PartnerState.ACTIVE,
        is_rehearsing=row.state in BEFORE_ACTIVE,
        default_target=row.default_target.audience if row.default_target else None,
        allowance=_allowance(row),
    )
    return PartnerConfiguration(
        partner=partner,
        clients=tuple(_client(client, partner, row.trust_anchors) for client in clients),
        issuers=tuple(_issuer(trust, partner, mappings, targets) for trust in trusts),
        mappings=_published(mappings, None, targets),
        key_sets=tuple(_key_set(source) for source in sources),
    )


def _allowance(row: Allowed) -> Allowance:
    return Allowance(requests_per_minute=row.requests_per_minute, burst=row.burst, daily_quota=row.daily_quota)


def without_partner(targets: Mapping[UUID, Target], draft: UUID | None = None) -> PartnerConfiguration:
    """What is ours and no partner's; ``draft`` as of ``in_force``."""
    clients = tuple(_client(client, None, "") for client in _client_rows().filter(partner=None))
    key_sets = tuple(_key_set(source) for source in models.KeySource.objects.filter(partner=None))
    mappings = _published(in_force(draft).filter(partner=None), None, targets)
    return PartnerConfiguration(partner=None, clients=clients, issuers=(), mappings=mappings, key_sets=key_sets)


def _client_rows() -> QuerySet[models.Client]:
    return models.Client.objects.prefetch_related("secrets", "serves")


def _client(row: models.Client, partner: Partner | None, anchors: str) -> RegisteredClient:
    client = Client(
        id=row.id,
        client_id=row.client_id,
        partner=partner,
        is_active=row.state == ClientState.ACTIVE,
        is_confidential=row.client_type == models.Client.CLIENT_CONFIDENTIAL,
        methods=frozenset(ClientAuthentication(method) for method in row.methods),
        grant_types=frozenset(row.grant_types),
        scopes=frozenset(row.scopes),
        assertion_algorithms=frozenset(row.assertion_algorithms),
        accepts_endpoint_audience=row.accepts_endpoint_audience,
        allowance=_allowance(row),
        dpop_bound_access_tokens=row.dpop_bound_access_tokens,
        requires_dpop_nonce=row.requires_dpop_nonce,
        tls_client_certificate_bound_access_tokens=row.tls_client_certificate_bound_access_tokens,
    )
    secrets = tuple(
        Secret(digest=bytes(secret.digest), kek_id=secret.kek_id, expires_at=secret.expires_at)
        for secret in row.secrets.all()
    )
    serves = frozenset(target.audience for target in row.serves.all())
    return RegisteredClient(
        client=client,
        secrets=secrets,
        key_source_id=row.key_source_id,
        certificate=_certificate(row, anchors),
        workload=workload_of(row),
        serves=serves,
    )


def _certificate(row: models.Client, anchors: str) -> RegisteredCertificate | None:
    if not row.certificate_name_kind:
        return None
    kind = CertificateName(row.certificate_name_kind)
    return RegisteredCertificate(kind=kind, name=row.certificate_name, trust_anchors=row.trust_anchors or anchors)


def _issuer(
    row: models.FederationTrust, partner: Partner, mappings: list[models.ScopeMapping], targets: Mapping[UUID, Target]
) -> TrustedIssuer:
    trust = Trust(
        id=row.id,
        name=row.name,
        partner=partner,
        issuer=row.issuer,
        audiences=frozenset(row.audiences),
        token_types=frozenset(TokenType(kind) for kind in row.token_types),
        algorithms=frozenset(row.algorithms),
        rules=rules_of(row.rules),
        leeway=row.leeway,
        subject_lifetime=row.subject_lifetime,
        lifetime=row.lifetime,
        max_depth=row.max_depth,
        one_time=row.one_time,
        reusable_assertions=row.reusable_assertions,
        allows_foreign_chain=row.allows_foreign_chain,
        accepts_actors=row.accepts_actors,
    )
    mappings_of_trust = _published(mappings, row.id, targets)
    return TrustedIssuer(
        trust=trust,
        key_source_id=row.key_source_id,
        introspection=introspection_of(row),
        mappings=mappings_of_trust,
    )


def _published(
    rows: Iterable[models.ScopeMapping], trust_id: UUID | None, targets: Mapping[UUID, Target]
) -> tuple[ScopeMapping, ...]:
    """The mappings of one trust, or of none, to targets that are active."""
    return tuple(mapping_of(m, targets[m.target_id]) for m in rows if m.trust_id == trust_id and m.target_id in targets)


def _key_set(row: models.KeySource) -> KeySet:
    return KeySet(
        id=row.id,
        keys=tuple(row.jwks.get("keys", ())),
        is_fetched=row.method != KeyMethod.UPLOADED,
        usable_until=row.usable_until,
    )
