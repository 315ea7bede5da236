"""A client or a trust as it stands, for whoever wants to change it: its declaration, and the stamp of what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from partners import inventory, models
from partners.declarations import DeclaredClient, DeclaredTrust
from partners.keysets import named_keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

Of = TypeVar("Of", DeclaredClient, DeclaredTrust)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Generic[Of]):
    """The declaration of what is there, and when that was last written."""

    declared: Of
    state: str
    stamp: str


def client(partner_id: UUID, client_id: str) -> Standing[DeclaredClient] | None:
    """The partner's client of this id, or None. Two queries."""
    rows = models.Client.objects.select_related("partner", "key_source").prefetch_related("serves")
    row: models.Client | None = rows.filter(partner=partner_id, client_id=client_id).first()
    if row is None:
        return None
    return Standing(declared=inventory.client(row), state=row.state, stamp=row.updated.isoformat())


def trust(partner_id: UUID, name: str) -> Standing[DeclaredTrust] | None:
    """The partner's trust of this name, withdrawn or not, or None. One query."""
    rows = models.FederationTrust.objects.select_related("partner", "key_source")
    row = rows.filter(partner=partner_id, name=name).first()
    if row is None:
        return None
    return Standing(declared=inventory.trust(row), state=row.state, stamp=row.updated_at.isoformat())


def keys_by_name(jwks: Mapping[str, object] | None) -> dict[str, dict[str, object]]:
    """The keys of an uploaded set, each by what tells it from the others: ``kid`` and the start of its thumbprint."""
    keys = jwks.get("keys") if jwks else None
    if not isinstance(keys, list):
        return {}
    return dict(zip(named_keys(keys), keys, strict=True))
