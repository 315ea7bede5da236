"""The mappings in force, or as they would be were one draft published in place of the version before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from partners import models
from partners.states import MappingState

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet


def in_force(draft: UUID | None = None) -> QuerySet[models.ScopeMapping]:
    """The published versions, in the order in which they are tried; with the draft of this id in its place.

    Meant for one partner at a time: the version that gives way is found by its name.
    """
    published = Q(state=MappingState.PUBLISHED)
    if draft is None:
        return models.ScopeMapping.objects.filter(published)
    standing_in = models.ScopeMapping.objects.filter(pk=draft, state=MappingState.DRAFT)
    giving_way = Q(name__in=standing_in.values("name"))
    return models.ScopeMapping.objects.filter((published & ~giving_way) | Q(pk__in=standing_in.values("pk")))
