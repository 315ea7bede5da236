"""Keys, and addresses of keys, that were held back until somebody of ours has seen them (``partners.takeover``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from partners import models
from partners.health import public_key

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from partners.health import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingKeys:
    """One key source with something to confirm: its keys in force, those offered instead, and another address."""

    source_id: UUID
    location: str
    present: tuple[PublicKey, ...]
    offered: tuple[PublicKey, ...]
    since: datetime | None
    present_uri: str
    offered_uri: str


def waiting_keys(partner_id: UUID) -> tuple[WaitingKeys, ...]:
    """What waits for confirmation at a partner. One query."""
    rows = models.KeySource.objects.filter(Q(pending_since__isnull=False) | ~Q(pending_jwks_uri=""), partner=partner_id)
    return tuple(
        WaitingKeys(
            source_id=row.id,
            location=row.location,
            present=tuple(public_key(key) for key in row.jwks.get("keys", ())),
            offered=tuple(public_key(key) for key in row.pending_jwks.get("keys", ())),
            since=row.pending_since,
            present_uri=row.jwks_uri,
            offered_uri=row.pending_jwks_uri,
        )
        for row in rows.order_by("location", "id")
    )
