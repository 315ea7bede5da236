"""A draft that the demo's partner manager wrote nine days ago, in shadow since: something to read before publishing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from audit.events import Actor, ActorKind
from audit.partitions import lowest_id
from partners import excerpts, overviews, services
from partners.changes import changing
from partners.drafts import work
from portal.models import Shadow
from portal.simulator import shadows

if TYPE_CHECKING:
    from datetime import datetime

PARTNER: Final = "bluepine"
MAPPING: Final = "bluepine-to-orders"
GRANTS: Final = {"pick": ("orders:read",)}
"""Without writing, which the warehouse does every fourth time: the shadow finds that out."""
SINCE: Final = timedelta(days=9)


def make(author: str, now: datetime) -> None:
    """Write the draft and start its shadow as of then; the worker follows the demo's past with it."""
    actor = Actor(ActorKind.USER, author)
    (partner_id,) = overviews.ids_of_slug(PARTNER)
    known = work(partner_id, MAPPING)
    if known.draft is not None or known.current is None:
        return
    declared = replace(known.current.declared, grants=GRANTS)
    with changing(actor) as change:
        services.save_draft(change, declared, seen=known.stamp)
    draft = excerpts.draft_named(PARTNER, MAPPING)
    assert draft is not None
    with changing(actor) as change:
        shadow = shadows.start(change, draft)
    began = now - SINCE
    Shadow.objects.filter(pk=shadow.pk).update(
        started_at=began, ends_at=began + shadows.LASTS, reached=lowest_id(began)
    )
