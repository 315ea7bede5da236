"""Facts for decisions: plain functions whose defaults make a decision that says yes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from policy.claim_rules import ClaimRule
from policy.decision import decide
from policy.expressions import Expression, Kind
from policy.facts import Actor, Facts, Granted, Refused
from policy.mapping import MappingSource, ScopeMapping, by_target
from policy.parties import Client, ClientAuthentication, Partner, Risk, Scope, Target
from policy.tokens import SUBJECT_TOKEN_TYPES, HypotheticalToken
from policy.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policy.tokens import JSON

NOW: Final = datetime(2031, 5, 4, 12, 0, tzinfo=UTC)
ISSUER: Final = "https://idp.kestrel.example"
ACTORS: Final = "https://actors.kestrel.example"
LEDGER: Final = "https://ledger.example"
REPORTS: Final = "https://reports.example"
_NAMES: Final = UUID("8f1c3f1e-2f3b-4f06-9a5f-0d7b8a1f6c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks for."""

    audience: tuple[str, ...] = (LEDGER,)
    resource: tuple[str, ...] = ()
    scope: frozenset[str] | None = None


def identifier(name: str) -> UUID:
    return uuid5(_NAMES, name)


def make_partner(**fields: Any) -> Partner:
    good: dict[str, Any] = {"id": identifier("kestrel"), "slug": "kestrel", "is_active": True, "default_target": None}
    return Partner(**good | fields)


def make_client(**fields: Any) -> Client:
    good: dict[str, Any] = {
        "id": identifier("gateway"),
        "client_id": "gateway",
        "partner": make_partner(),
        "is_active": True,
        "is_confidential": True,
        "methods": frozenset(ClientAuthentication),
        "grant_types": frozenset(),
        "scopes": frozenset({"read", "write"}),
        "assertion_algorithms": frozenset({"ES256"}),
        "accepts_endpoint_audience": False,
        "dpop_bound_access_tokens": False,
        "requires_dpop_nonce": False,
        "tls_client_certificate_bound_access_tokens": False,
    }
    return Client(**good | fields)


def make_target(audience: str = LEDGER, scopes: Iterable[str] = ("read", "write", "admin"), **fields: Any) -> Target:
    good: dict[str, Any] = {
        "id": identifier(audience),
        "name": audience.partition("//")[2].partition(".")[0],
        "audience": audience,
        "resources": (f"{audience}/v1",),
        "scopes": {name: Scope(name=name, description=name, risk=Risk.LOW) for name in scopes},
        "lifetime": timedelta(minutes=15),
    }
    return Target(**good | fields)


def make_mapping(target: Target | None = None, **fields: Any) -> ScopeMapping:
    good: dict[str, Any] = {
        "id": identifier("mapping"),
        "name": "mapping",
        "version": 1,
        "source": MappingSource.TRUST,
        "trust_id": identifier("trust"),
        "target": target or make_target(),
        "clients": None,
        "rules": (),
        "grants": {"settle": frozenset({"read", "write"})},
        "always": frozenset({"read"}),
        "default_scopes": frozenset({"read"}),
        "lifetime": timedelta(minutes=10),
        "allows_impersonation": True,
        "max_depth": 4,
        "subject_claim": "sub",
    }
    return ScopeMapping(**good | fields)


def make_trust(**fields: Any) -> Trust:
    good: dict[str, Any] = {
        "id": identifier("trust"),
        "name": "idp",
        "partner": make_partner(),
        "issuer": ISSUER,
        "audiences": frozenset(),
        "token_types": SUBJECT_TOKEN_TYPES,
        "algorithms": frozenset({"ES256"}),
        "rules": (),
        "leeway": timedelta(seconds=30),
        "subject_lifetime": timedelta(hours=1),
        "lifetime": timedelta(minutes=10),
        "max_depth": 4,
        "one_time": False,
        "reusable_assertions": False,
        "allows_foreign_chain": False,
        "accepts_actors": False,
    }
    return Trust(**good | fields)


def make_token(subject: str = "user-1", *, issuer: str = ISSUER, **fields: Any) -> HypotheticalToken:
    claims: dict[str, JSON] = {"iss": issuer, "sub": subject, "tier": "gold"} | fields.pop("claims", {})
    good: dict[str, Any] = {
        "issuer": issuer,
        "subject": subject,
        "audience": ("https://handover.example",),
        "scope": frozenset({"settle"}),
        "claims": claims,
        "expires_at": NOW + timedelta(minutes=20),
    }
    return HypotheticalToken(**good | fields)


def make_facts(**changes: Any) -> Facts[HypotheticalToken]:
    target = make_target()
    good: dict[str, Any] = {
        "request": Asked(),
        "client": make_client(),
        "subject": make_token(),
        "actor": None,
        "source": MappingSource.TRUST,
        "trust": make_trust(),
        "mappings": (make_mapping(target),),
        "targets": catalogue(target, make_target(REPORTS, ("list",))),
        "ceiling": timedelta(minutes=15),
    }
    facts = good | changes
    if facts["source"] is not MappingSource.TRUST:
        facts["trust"] = None
    return Facts(**facts | {"mappings": by_target(facts["mappings"])})


def ordered(facts: Facts[HypotheticalToken]) -> tuple[ScopeMapping, ...]:
    """The mappings of some facts, one after the other."""
    return tuple(mapping for mappings in facts.mappings.values() for mapping in mappings)


def remapped(facts: Facts[HypotheticalToken], mappings: tuple[ScopeMapping, ...]) -> Facts[HypotheticalToken]:
    """The same facts under other mappings."""
    return replace(facts, mappings=by_target(mappings))


def with_actor(
    token: HypotheticalToken | None = None, vouched: Trust | None = None, **changes: Any
) -> Facts[HypotheticalToken]:
    """Facts with an actor token, of the client's own unless told otherwise, and the trust that vouches for it."""
    token = token or make_token("gateway", issuer=ACTORS)
    return make_facts(actor=Actor(token=token, trust=vouched or make_trust(issuer=token.issuer)), **changes)


def catalogue(*targets: Target) -> dict[str, Target]:
    """Targets by each of their names, as the registry holds them."""
    return {name: target for target in targets for name in (target.audience, *target.resources)}


def rule(claim: str, operator: str, value: object = None) -> ClaimRule:
    return ClaimRule.compile(claim, operator, value)


def condition(source: str) -> Expression:
    return Expression.compile(source, Kind.CONDITION)


def scopes_by(source: str) -> Expression:
    return Expression.compile(source, Kind.SCOPES)


def claim(source: str) -> Expression:
    return Expression.compile(source, Kind.CLAIM)


def granted(facts: Facts[HypotheticalToken]) -> Granted[HypotheticalToken]:
    outcome = decide(facts, now=NOW)
    assert isinstance(outcome, Granted), outcome
    return outcome


def refused(facts: Facts[HypotheticalToken]) -> Refused:
    outcome = decide(facts, now=NOW)
    assert isinstance(outcome, Refused), outcome
    return outcome
