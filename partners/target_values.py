"""Rows of targets as ``policy`` reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policy.parties import Risk, Scope, Target, TokenFormat

if TYPE_CHECKING:
    from partners import models


def target_of(row: models.Target) -> Target:
    """One target with its scope catalogue."""
    scopes = (Scope(name=s.name, description=s.description, risk=Risk(s.risk)) for s in row.scopes.all())
    return Target(
        id=row.id,
        name=row.name,
        audience=row.audience,
        resources=tuple(row.resources),
        scopes={scope.name: scope for scope in scopes},
        lifetime=row.lifetime,
        token_format=TokenFormat(row.token_format),
        is_test=row.is_test,
    )
