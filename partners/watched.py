"""The trusts in use, as whoever watches them knows them: where their issuers are, until when their keys are good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from partners import models
from partners.states import KeyMethod, PartnerState, TrustState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

_LIVE = (PartnerState.ACTIVE, PartnerState.TESTED)
_IN_USE = (TrustState.ACTIVE, TrustState.QUARANTINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedTrust:
    """One trust in use. ``jwks_uri`` is where its keys are fetched, empty where they were uploaded."""

    id: UUID
    partner_id: UUID
    partner: str
    name: str
    issuer: str
    method: str
    location: str
    jwks_uri: str
    usable_until: datetime | None

    @property
    def is_asked(self) -> bool:
        """Whether its issuer publishes anything that we read."""
        return self.method != KeyMethod.UPLOADED


def in_use() -> list[tuple[UUID, UUID]]:
    """The ids of all trusts in use, each with its partner's. One query."""
    return list(_rows().values_list("id", "partner_id"))


def trusts(ids: Iterable[UUID]) -> dict[UUID, WatchedTrust]:
    """Those of these trusts that are in use. One query."""
    rows = _rows().filter(id__in=list(ids)).select_related("partner", "key_source").defer("key_source__jwks", "rules")
    return {row.id: _trust(row) for row in rows}


def of_partner(partner_id: UUID) -> tuple[WatchedTrust, ...]:
    """The trusts of one partner in use, by name, whatever its state. One query."""
    rows = models.FederationTrust.objects.filter(partner=partner_id, state__in=_IN_USE).order_by("name")
    return tuple(map(_trust, rows.select_related("partner", "key_source").defer("key_source__jwks", "rules")))


def _rows() -> QuerySet[models.FederationTrust]:
    return models.FederationTrust.objects.filter(state__in=_IN_USE, partner__state__in=_LIVE)


def _trust(row: models.FederationTrust) -> WatchedTrust:
    source = row.key_source
    return WatchedTrust(
        id=row.id,
        partner_id=row.partner_id,
        partner=row.partner.slug,
        name=row.name,
        issuer=row.issuer,
        method=source.method,
        location=source.location,
        jwks_uri=source.jwks_uri,
        usable_until=source.usable_until,
    )
