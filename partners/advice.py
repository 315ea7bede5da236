"""What is unwise about one partner's trusts and mappings in force (``policy.lint``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partners import models
from partners.mapping_values import mapping_of, rules_of
from partners.selectors import active_targets
from partners.states import MappingState, TrustState
from policy import lint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from policy.lint import Finding


def findings(partner_id: UUID) -> tuple[Finding, ...]:
    """Everything found, trusts first, each in the order of its name. Four queries."""
    trusts = models.FederationTrust.objects.filter(partner=partner_id, state=TrustState.ACTIVE).order_by("name")
    return tuple(_findings(partner_id, list(trusts)))


def _findings(partner_id: UUID, trusts: list[models.FederationTrust]) -> Iterator[Finding]:
    conditional: set[UUID | None] = set()
    for trust in trusts:
        rules = rules_of(trust.rules)
        if rules:
            conditional.add(trust.id)
        yield from lint.of_trust(trust.name, rules)
    targets = active_targets()
    rows = models.ScopeMapping.objects.filter(partner=partner_id, state=MappingState.PUBLISHED).order_by("name")
    for row in rows:
        if row.target_id in targets:
            mapping = mapping_of(row, targets[row.target_id])
            yield from lint.of_mapping(mapping, is_conditional_trust=row.trust_id in conditional)
