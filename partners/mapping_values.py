"""Rows of rules and mappings as ``policy`` reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from policy.claim_rules import ClaimRule
from policy.expressions import Expression, Kind
from policy.mapping import MappingSource, ScopeMapping

if TYPE_CHECKING:
    from policy.parties import Target
    from policy.tokens import JSON


COLUMNS: Final = (
    *("id", "name", "version", "source", "trust_id", "target_id", "clients", "rules", "grants", "always"),
    *("default_scopes", "lifetime", "allows_impersonation", "max_depth", "subject_claim", "condition"),
    *("scopes_expression", "claims", "carries_login"),
)
"""What ``mapping_of`` reads of a row: hundreds of them are read faster without an object of the model for each."""


def rules_of(documents: list[dict[str, JSON]]) -> tuple[ClaimRule, ...]:
    """Rules as stored: objects with ``claim``, ``operator`` and, but for ``exists``, ``value``."""
    return tuple(ClaimRule.compile(rule["claim"], rule["operator"], rule.get("value")) for rule in documents)


def mapping_of(row: Any, target: Target) -> ScopeMapping:  # noqa: ANN401 - a row of the model, or of ``COLUMNS``
    """One published version, for the target its row names."""
    return ScopeMapping(
        id=row.id,
        name=row.name,
        version=row.version,
        source=MappingSource(row.source),
        trust_id=row.trust_id,
        target=target,
        clients=None if row.clients is None else frozenset(row.clients),
        rules=rules_of(row.rules),
        grants={theirs: frozenset(ours) for theirs, ours in row.grants.items()},
        always=frozenset(row.always),
        default_scopes=frozenset(row.default_scopes),
        lifetime=row.lifetime,
        allows_impersonation=row.allows_impersonation,
        max_depth=row.max_depth,
        subject_claim=row.subject_claim,
        condition=expression_of(row.condition, Kind.CONDITION),
        scopes_expression=expression_of(row.scopes_expression, Kind.SCOPES),
        claims={name: Expression(source=text, kind=Kind.CLAIM) for name, text in row.claims.items()},
        carries_login=row.carries_login,
    )


def expression_of(source: str, kind: Kind) -> Expression | None:
    """As it was published. One that no longer compiles is a fault at its use: only its own mapping suffers."""
    return Expression(source=source, kind=kind) if source else None
