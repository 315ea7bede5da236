"""One partner as its page shows it: trusts with their keys, clients, mappings with their versions. Never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, Q

from partners import models
from partners.health import KeySource, key_source
from partners.states import MappingState, TrustState
from policy.claim_rules import ClaimRule, RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime, timedelta
    from uuid import UUID

MAX_VERSIONS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The head of a partner's page, with how many trusts and mappings are in force and how many clients there are."""

    id: UUID
    slug: str
    name: str
    state: str
    owner: str
    contact_email: str
    purpose: str
    review_due_on: date | None
    contract_ends_on: date | None
    default_target: str
    created_at: datetime
    trusts: int
    clients: int
    mappings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """One issuer we trust for this partner, and how far."""

    name: str
    state: str
    issuer: str
    audiences: tuple[str, ...]
    token_types: tuple[str, ...]
    algorithms: tuple[str, ...]
    rules: tuple[str, ...]
    leeway: timedelta
    subject_lifetime: timedelta
    lifetime: timedelta
    max_depth: int
    one_time: bool
    reusable_assertions: bool
    allows_foreign_chain: bool
    accepts_actors: bool
    introspection: str
    """Where the issuer is asked about opaque tokens; empty where it is not."""
    has_introspection_secret: bool
    source: KeySource


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """That a client secret exists, since when and until when. Its value is nowhere."""

    slot: int
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The platform that vouches for a client, and which of its workloads the client is."""

    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...]
    rules: tuple[str, ...]
    lifetime: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One OAuth client of the partner, as registered."""

    client_id: str
    name: str
    state: str
    methods: tuple[str, ...]
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]
    serves: tuple[str, ...]
    certificate: str
    """The name its certificate must carry, after the kind of name; empty for a client that uses none."""
    held_to: tuple[str, ...]
    """Which proofs each of its requests must bring."""
    secrets: tuple[Secret, ...]
    workload: Workload | None
    source: KeySource | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingVersion:
    """One version of a mapping: when the partner's token has this, it may become that."""

    id: UUID
    name: str
    version: int
    state: str
    position: int
    source: str
    trust: str
    target: str
    audience: str
    clients: tuple[str, ...] | None
    rules: tuple[str, ...]
    condition: str
    grants: tuple[tuple[str, tuple[str, ...]], ...]
    always: tuple[str, ...]
    scopes_expression: str
    claims: tuple[tuple[str, str], ...]
    carries_login: bool
    default_scopes: tuple[str, ...]
    lifetime: timedelta
    allows_impersonation: bool
    max_depth: int
    subject_claim: str
    author: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingHistory:
    """A mapping by name: the version in force, where there is one, and all versions, newest first."""

    name: str
    current: MappingVersion | None
    versions: tuple[MappingVersion, ...]


def profile(slug: str) -> Profile | None:
    """The partner of this slug, or None. One query."""
    mine = {
        "trust_count": Count("trusts", filter=~Q(trusts__state=TrustState.WITHDRAWN), distinct=True),
        "client_count": Count("clients", distinct=True),
        "mapping_count": Count("mappings", filter=Q(mappings__state=MappingState.PUBLISHED), distinct=True),
    }
    rows = models.Partner.objects.select_related("owner", "default_target").annotate(**mine)
    row: Any = rows.filter(slug=slug).first()
    if row is None:
        return None
    return Profile(
        id=row.id,
        slug=row.slug,
        name=row.name,
        state=row.state,
        owner=str(row.owner or ""),
        contact_email=row.contact_email,
        purpose=row.purpose,
        review_due_on=row.review_due_on,
        contract_ends_on=row.contract_ends_on,
        default_target=row.default_target.audience if row.default_target else "",
        created_at=row.created_at,
        trusts=row.trust_count,
        clients=row.client_count,
        mappings=row.mapping_count,
    )


def trusts(partner_id: UUID) -> tuple[Trust, ...]:
    """The partner's trusts, those in force first. One query."""
    rows = models.FederationTrust.objects.filter(partner=partner_id).select_related("key_source")
    found = tuple(_trust(row) for row in rows)
    return tuple(sorted(found, key=lambda trust: (trust.state == TrustState.WITHDRAWN, trust.name)))


def _trust(row: models.FederationTrust) -> Trust:
    return Trust(
        name=row.name,
        state=row.state,
        issuer=row.issuer,
        audiences=tuple(row.audiences),
        token_types=tuple(row.token_types),
        algorithms=tuple(row.algorithms),
        rules=_in_words(row.rules),
        leeway=row.leeway,
        subject_lifetime=row.subject_lifetime,
        lifetime=row.lifetime,
        max_depth=row.max_depth,
        one_time=row.one_time,
        reusable_assertions=row.reusable_assertions,
        allows_foreign_chain=row.allows_foreign_chain,
        accepts_actors=row.accepts_actors,
        introspection=row.introspection_endpoint,
        has_introspection_secret=bool(row.introspection_kek_id),
        source=key_source(row.key_source),
    )


def clients(partner_id: UUID) -> tuple[Client, ...]:
    """The partner's clients with the age of their secrets and their keys. Three queries."""
    rows = models.Client.objects.filter(partner=partner_id).select_related("key_source")
    return tuple(_client(row) for row in rows.prefetch_related("secrets", "serves"))


_DEMANDS: Final = ("tls_client_certificate_bound_access_tokens", "dpop_bound_access_tokens", "requires_dpop_nonce")


def _client(row: models.Client) -> Client:
    return Client(
        client_id=row.client_id,
        name=row.name,
        state=row.state,
        methods=tuple(row.methods),
        grant_types=tuple(row.grant_types),
        scopes=tuple(row.scopes),
        serves=tuple(target.name for target in row.serves.all()),
        certificate=f"{row.certificate_name_kind} {row.certificate_name}".strip(),
        held_to=tuple(name for name in _DEMANDS if getattr(row, name)),
        secrets=tuple(
            Secret(slot=secret.slot, created_at=secret.created_at, expires_at=secret.expires_at)
            for secret in sorted(row.secrets.all(), key=lambda secret: secret.slot)
        ),
        workload=_workload(row) if row.workload_issuer else None,
        source=key_source(row.key_source) if row.key_source else None,
    )


def _workload(row: models.Client) -> Workload:
    return Workload(
        issuer=row.workload_issuer,
        audiences=tuple(row.workload_audiences),
        algorithms=tuple(row.workload_algorithms),
        rules=_in_words(row.workload_rules),
        lifetime=row.workload_lifetime,
    )


def mappings(partner_id: UUID) -> tuple[MappingHistory, ...]:
    """The partner's mappings in the order they are tried, with their versions. One query, led by partner and name."""
    rows = models.ScopeMapping.objects.filter(partner=partner_id).select_related("trust", "target")
    versions = (_version(row) for row in rows.order_by("name", "-version")[:MAX_VERSIONS])
    histories = [_history(tuple(group)) for _, group in groupby(versions, key=lambda version: version.name)]
    return tuple(sorted(histories, key=lambda h: (h.current is None, h.versions[0].position, h.name)))


def _history(versions: tuple[MappingVersion, ...]) -> MappingHistory:
    current = next((version for version in versions if version.state == MappingState.PUBLISHED), None)
    return MappingHistory(name=versions[0].name, current=current, versions=versions)


def _version(row: models.ScopeMapping) -> MappingVersion:
    return MappingVersion(
        id=row.id,
        name=row.name,
        version=row.version,
        state=row.state,
        position=row.position,
        source=row.source,
        trust=row.trust.name if row.trust else "",
        target=row.target.name,
        audience=row.target.audience,
        clients=None if row.clients is None else tuple(row.clients),
        rules=_in_words(row.rules),
        grants=tuple((theirs, tuple(ours)) for theirs, ours in sorted(row.grants.items())),
        always=tuple(row.always),
        condition=row.condition,
        scopes_expression=row.scopes_expression,
        claims=tuple(sorted(row.claims.items())),
        carries_login=row.carries_login,
        default_scopes=tuple(row.default_scopes),
        lifetime=row.lifetime,
        allows_impersonation=row.allows_impersonation,
        max_depth=row.max_depth,
        subject_claim=row.subject_claim,
        author=row.author,
        created_at=row.created_at,
    )


def _in_words(rules: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Conditions as people read them; one that no longer compiles is shown as it is stored."""
    return tuple(_rule_in_words(rule) for rule in rules)


def _rule_in_words(rule: Mapping[str, Any]) -> str:
    try:
        return ClaimRule.compile(rule.get("claim"), rule.get("operator"), rule.get("value")).expected
    except RuleError:
        return str(rule)
