"""Mappings as the question where they lead reads them: a page of partners has hundreds, so little of each is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from partners.mapping_values import expression_of, rules_of
from policy.expressions import Kind
from policy.mapping import MappingSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from uuid import UUID

    from policy.claim_rules import ClaimRule
    from policy.expressions import Expression
    from policy.parties import Target

COLUMNS: Final = (
    *("id", "partner_id", "name", "version", "state", "position", "source", "trust_id", "target_id", "clients"),
    *("rules", "grants", "always", "condition", "scopes_expression", "lifetime", "allows_impersonation", "max_depth"),
)
TIMES: Final = ("created_at", "updated_at")
"""Read as well where another moment is asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadingMapping:
    """One version of a mapping, without what only the tokens made by it say."""

    id: UUID
    name: str
    version: int
    source: MappingSource
    trust_id: UUID | None
    target: Target
    clients: frozenset[str] | None
    rules: tuple[ClaimRule, ...]
    condition: Expression | None
    grants: Mapping[str, frozenset[str]]
    always: frozenset[str]
    scopes_expression: Expression | None
    lifetime: timedelta
    allows_impersonation: bool
    max_depth: int

    @property
    def label(self) -> str:
        """Name and version, as traces show it."""
        return f"{self.name} v{self.version}"


def leading_of(row: Any, target: Target) -> LeadingMapping:  # noqa: ANN401 - a row of COLUMNS
    """The version in a row, for the target that it names."""
    return LeadingMapping(
        id=row.id,
        name=row.name,
        version=row.version,
        source=MappingSource(row.source),
        trust_id=row.trust_id,
        target=target,
        clients=None if row.clients is None else frozenset(row.clients),
        rules=rules_of(row.rules),
        condition=expression_of(row.condition, Kind.CONDITION),
        grants={theirs: frozenset(ours) for theirs, ours in row.grants.items()},
        always=frozenset(row.always),
        scopes_expression=expression_of(row.scopes_expression, Kind.SCOPES),
        lifetime=row.lifetime,
        allows_impersonation=row.allows_impersonation,
        max_depth=row.max_depth,
    )
