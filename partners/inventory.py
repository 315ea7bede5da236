"""The configuration in force as declarations: what an export writes, and what a change is compared with.

Rows are taken as they are, without the checks of ``checking``: a rule that became stricter must not make the
configuration it would refuse unreadable, or nobody could mend it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from partners import models
from partners.declarations import (
    Declared,
    DeclaredClient,
    DeclaredIntrospection,
    DeclaredMapping,
    DeclaredPartner,
    DeclaredRule,
    DeclaredScope,
    DeclaredTarget,
    DeclaredTrust,
    DeclaredWorkload,
)
from partners.states import ClientState, KeyMethod, MappingState, PartnerState, SourceOfMapping, TrustState
from partners.vocabulary import (
    ClientType,
    DeclaredPartnerState,
    GrantType,
    Kind,
    SignatureAlgorithm,
    SubjectTokenType,
)
from policy.claim_rules import Operator
from policy.parties import ClientAuthentication, Risk, TokenFormat

if TYPE_CHECKING:
    from typing import Any

Key = tuple[Kind, str, str]
"""What names an object: its kind, its partner where names are unique within one only (else empty), and its name."""


def key_of(declared: Declared) -> Key:
    """The identity of a declaration."""
    scope = (declared.partner or "") if isinstance(declared, DeclaredTrust | DeclaredMapping) else ""
    return declared.kind, scope, declared.name


def key_named(declared: Declared, kind: Kind, name: str) -> Key:
    """The identity of an object that a declaration refers to: a trust is meant within the same partner."""
    scope = (getattr(declared, "partner", "") or "") if kind in {Kind.TRUST, Kind.MAPPING} else ""
    return kind, scope, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object in force. ``is_in_use`` is false for what a file need not name: already suspended or offboarded."""

    declared: Declared
    is_in_use: bool


def everything() -> dict[Key, Found]:
    """All targets, partners, clients, trusts and mappings in force, in the order in which they are written."""
    found: list[tuple[Declared, bool]] = [
        *((target(row), True) for row in models.Target.objects.prefetch_related("scopes")),
        *((partner(row), row.state == PartnerState.ACTIVE) for row in _partners()),
        *((client(row), row.state == ClientState.ACTIVE) for row in _clients()),
        *((trust(row), True) for row in _trusts()),
        *((mapping(row), True) for row in _mappings()),
    ]
    return {key_of(declared): Found(declared=declared, is_in_use=in_use) for declared, in_use in found}


def of_partner(slug: str) -> dict[Key, Found]:
    """What belongs to one partner, and the targets its mappings, clients and defaults name."""
    found = everything()
    own = {key: item for key, item in found.items() if _belongs(item.declared, slug)}
    targets = {name for item in own.values() for name in _targets_of(item.declared)}
    return {key: item for key, item in found.items() if key in own or (key[0] is Kind.TARGET and key[2] in targets)}


def _belongs(declared: Declared, slug: str) -> bool:
    if isinstance(declared, DeclaredPartner):
        return declared.name == slug
    return not isinstance(declared, DeclaredTarget) and declared.partner == slug


def _targets_of(declared: Declared) -> tuple[str | None, ...]:
    if isinstance(declared, DeclaredMapping):
        return (declared.target,)
    if isinstance(declared, DeclaredClient):
        return declared.serves
    return (declared.default_target,) if isinstance(declared, DeclaredPartner) else ()


def _partners() -> Any:  # noqa: ANN401 - a query set of rows
    return models.Partner.objects.select_related("owner", "default_target")


def _clients() -> Any:  # noqa: ANN401
    return models.Client.objects.select_related("partner", "key_source").prefetch_related("serves")


def _trusts() -> Any:  # noqa: ANN401
    rows = models.FederationTrust.objects.select_related("partner", "key_source")
    return rows.filter(~Q(state=TrustState.WITHDRAWN)).order_by("partner__slug", "name")


def _mappings() -> Any:  # noqa: ANN401
    rows = models.ScopeMapping.objects.select_related("partner", "trust", "target")
    return rows.filter(state=MappingState.PUBLISHED).order_by("partner__slug", "position", "name")


def target(row: models.Target) -> DeclaredTarget:
    """The declaration of a target's row."""
    scopes = {
        scope.name: DeclaredScope(description=scope.description, risk=Risk(scope.risk)) for scope in row.scopes.all()
    }
    return DeclaredTarget(
        name=row.name,
        audience=row.audience,
        title=row.title,
        description=row.description,
        resources=tuple(sorted(row.resources)),
        lifetime=row.lifetime,
        token_format=TokenFormat(row.token_format),
        is_active=row.is_active,
        is_test=row.is_test,
        scopes=dict(sorted(scopes.items())),
    )


def partner(row: models.Partner) -> DeclaredPartner:
    """The declaration of a partner's row; the states of the onboarding flow are left out."""
    declarable = {state.value for state in DeclaredPartnerState}
    return DeclaredPartner(
        name=row.slug,
        title=row.name,
        state=DeclaredPartnerState(row.state) if row.state in declarable else None,
        owner=row.owner.get_username() if row.owner else None,
        contact_email=row.contact_email or None,
        purpose=row.purpose,
        review_due_on=row.review_due_on,
        contract_ends_on=row.contract_ends_on,
        trust_anchors=row.trust_anchors or None,
        default_target=row.default_target.name if row.default_target else None,
        requests_per_minute=row.requests_per_minute,
        burst=row.burst,
        daily_quota=row.daily_quota,
    )


def client(row: models.Client) -> DeclaredClient:
    """The declaration of a client's row."""
    source = None if row.workload_issuer else row.key_source
    return DeclaredClient(
        name=row.client_id,
        title=row.name,
        partner=row.partner.slug if row.partner else None,
        state=ClientState(row.state),
        client_type=ClientType(row.client_type),
        methods=tuple(sorted(ClientAuthentication(method) for method in row.methods)),
        grant_types=tuple(sorted(GrantType(grant) for grant in row.grant_types)),
        scopes=tuple(sorted(row.scopes)),
        jwks=_uploaded(source),
        jwks_uri=source.location if source and source.method == KeyMethod.JWKS_URI else None,
        assertion_algorithms=tuple(sorted(SignatureAlgorithm(alg) for alg in row.assertion_algorithms)),
        accepts_endpoint_audience=row.accepts_endpoint_audience,
        **_named(row),
        trust_anchors=row.trust_anchors or None,
        tls_client_certificate_bound_access_tokens=row.tls_client_certificate_bound_access_tokens,
        dpop_bound_access_tokens=row.dpop_bound_access_tokens,
        requires_dpop_nonce=row.requires_dpop_nonce,
        workload=_workload(row),
        redirect_uris=tuple(sorted(row.redirect_uris.split())),
        serves=tuple(sorted(served.name for served in row.serves.all())),
        requests_per_minute=row.requests_per_minute,
        burst=row.burst,
        daily_quota=row.daily_quota,
    )


def _workload(row: models.Client) -> DeclaredWorkload | None:
    """Whose tokens authenticate it; the platform's keys are the client's only ones."""
    if not row.workload_issuer:
        return None
    source = row.key_source
    return DeclaredWorkload(
        issuer=row.workload_issuer,
        audiences=tuple(sorted(row.workload_audiences)),
        jwks=_uploaded(source),
        jwks_uri=source.location if source and source.method == KeyMethod.JWKS_URI else None,
        algorithms=tuple(sorted(SignatureAlgorithm(alg) for alg in row.workload_algorithms)),
        rules=_rules(row.workload_rules),
        lifetime=row.workload_lifetime,
    )


def _named(row: models.Client) -> dict[str, Any]:
    """The one of the five fields that names its certificate, or none."""
    kind = row.certificate_name_kind
    return {f"tls_client_auth_{kind}": row.certificate_name} if kind else {}


def trust(row: models.FederationTrust) -> DeclaredTrust:
    """The declaration of a trust's row."""
    source = row.key_source
    return DeclaredTrust(
        name=row.name,
        partner=row.partner.slug,
        issuer=row.issuer,
        jwks=_uploaded(source),
        jwks_uri=source.location if source.method == KeyMethod.JWKS_URI else None,
        audiences=tuple(sorted(row.audiences)),
        token_types=tuple(sorted(SubjectTokenType(kind) for kind in row.token_types)),
        algorithms=tuple(sorted(SignatureAlgorithm(alg) for alg in row.algorithms)),
        rules=_rules(row.rules),
        leeway=row.leeway,
        subject_lifetime=row.subject_lifetime,
        lifetime=row.lifetime,
        max_depth=row.max_depth,
        one_time=row.one_time,
        reusable_assertions=row.reusable_assertions,
        allows_foreign_chain=row.allows_foreign_chain,
        accepts_actors=row.accepts_actors,
        introspection=_introspection(row),
    )


def _introspection(row: models.FederationTrust) -> DeclaredIntrospection | None:
    if not row.introspection_endpoint:
        return None
    return DeclaredIntrospection(
        endpoint=row.introspection_endpoint,
        client_id=row.introspection_client_id,
        allows_missing_audience=row.introspection_allows_missing_audience,
    )


def mapping(row: models.ScopeMapping) -> DeclaredMapping:
    """The declaration of a published version of a mapping."""
    return DeclaredMapping(
        name=row.name,
        partner=row.partner.slug if row.partner else None,
        source=SourceOfMapping(row.source),
        trust=row.trust.name if row.trust else None,
        target=row.target.name,
        position=row.position,
        clients=None if row.clients is None else tuple(sorted(row.clients)),
        rules=_rules(row.rules),
        grants={theirs: tuple(sorted(row.grants[theirs])) for theirs in sorted(row.grants)},
        always=tuple(sorted(row.always)),
        default_scopes=tuple(sorted(row.default_scopes)),
        lifetime=row.lifetime,
        allows_impersonation=row.allows_impersonation,
        max_depth=row.max_depth,
        subject_claim=row.subject_claim,
        condition=row.condition or None,
        scopes_expression=row.scopes_expression or None,
        claims=dict(sorted(row.claims.items())),
        carries_login=row.carries_login,
    )


def _uploaded(source: models.KeySource | None) -> dict[str, object] | None:
    return {"keys": source.jwks.get("keys", [])} if source and source.method == KeyMethod.UPLOADED else None


def _rules(documents: list[dict[str, Any]]) -> tuple[DeclaredRule, ...]:
    return tuple(
        DeclaredRule(claim=rule["claim"], operator=Operator(rule["operator"]), value=rule.get("value"))
        for rule in documents
    )
