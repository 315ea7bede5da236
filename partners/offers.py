"""What can be chosen when something of a partner is written: its trusts, our targets, their scopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from partners import models
from partners.states import TrustState

if TYPE_CHECKING:
    from uuid import UUID

MOST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """Names of trusts not withdrawn, and their issuers; targets with labels, test targets first; scopes by target."""

    trusts: tuple[str, ...]
    issuers: tuple[tuple[str, str], ...]
    targets: tuple[tuple[str, str], ...]
    scopes: tuple[tuple[str, tuple[str, ...]], ...]


def offers(partner_id: UUID) -> Offers:
    """What there is to choose for a partner. Three queries."""
    trusts = models.FederationTrust.objects.filter(partner=partner_id).exclude(state=TrustState.WITHDRAWN)
    targets = models.Target.objects.filter(is_active=True).prefetch_related("scopes")
    rows = list(targets.order_by("-is_test", "name")[:MOST])
    issuers = tuple(trusts.order_by("name").values_list("name", "issuer"))
    return Offers(
        trusts=tuple(name for name, _issuer in issuers),
        issuers=issuers,
        targets=tuple((row.name, f"{row.name} ({row.audience})") for row in rows),
        scopes=tuple((row.name, tuple(scope.name for scope in row.scopes.all())) for row in rows),
    )
