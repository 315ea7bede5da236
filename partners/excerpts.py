"""The configuration of a few partners, read now, for a simulation. A draft may stand in for what is in force.

A few queries however many partners there are, so that a page need not hold the whole configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from partners import models
from partners.selectors import Configuration, active_targets, partners_of, without_partner
from partners.states import MappingState, PartnerState

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft of a mapping, as far as whoever tries it needs to know. ``partner`` is empty for one of our own."""

    id: UUID
    partner: str
    partner_id: UUID | None
    name: str
    version: int
    saved_at: datetime


def draft(draft_id: UUID) -> Draft | None:
    """The draft of this id; None where there is none, or it is no draft any more."""
    return _draft(Q(pk=draft_id))


def draft_named(partner: str, name: str) -> Draft | None:
    """The draft of a partner's mapping of this name."""
    return _draft(Q(partner__slug=partner, name=name))


def _draft(which: Q) -> Draft | None:
    row = models.ScopeMapping.objects.select_related("partner").filter(which, state=MappingState.DRAFT).first()
    if row is None:
        return None
    slug = row.partner.slug if row.partner else ""
    return Draft(
        id=row.id,
        partner=slug,
        partner_id=row.partner_id,
        name=row.name,
        version=row.version,
        saved_at=row.updated_at,
    )


def standing_of(mapping_id: UUID) -> tuple[str, datetime] | None:
    """The state of one version of a mapping and when it was last saved; None where it is gone."""
    return models.ScopeMapping.objects.filter(pk=mapping_id).values_list("state", "updated_at").first()


def concerned(
    clients: Collection[str], *, slugs: Collection[str] = (), draft: UUID | None = None, as_if_active: bool = False
) -> Configuration:
    """What concerns the partners of these clients, those of these slugs, and our own clients where one is named.

    With ``as_if_active`` partners that were not activated yet are taken to be: what will hold after the activation.
    """
    targets = active_targets()
    rows = list(
        models.Partner.objects.select_related("default_target")
        .filter(Q(clients__client_id__in=clients) | Q(slug__in=slugs))
        .distinct()
    )
    for row in rows:
        if as_if_active:
            row.state = PartnerState.ACTIVE  # of this value only: it is never saved
    partners = partners_of(rows, targets, draft)
    known = {client.client.client_id for one in partners.values() for client in one.clients}
    if not known.issuperset(clients):
        partners[None] = without_partner(targets, draft)
    return Configuration(epoch=0, keys_version=0, targets=tuple(targets.values()), partners=partners)


def moved_at() -> tuple[int, int]:
    """The epoch of the configuration, and the one at which the catalogue of targets moved last."""
    row = models.Registry.objects.get(pk=1)
    return row.epoch, row.catalogue_version


def keys_moved_at() -> int:
    """The epoch at which our own signing keys moved last."""
    return models.Registry.objects.values_list("keys_version", flat=True).get(pk=1)
