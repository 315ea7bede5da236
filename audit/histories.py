"""What was changed about one partner, newest first, and what it takes to judge its first exchanges.

``event_changes_by_partner`` leads every query: it leaves out what clients do, so a partner with a million exchanges
has a short history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Q

from audit import events
from audit.models import NO_CHANGES, Event
from audit.selectors import PAGE_SIZE, records_of

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet

    from audit.selectors import Record

POLICY_KINDS: Final = (
    events.TrustAdded.kind,
    events.TrustWithdrawn.kind,
    events.MappingPublished.kind,
    events.ConfigurationApplied.kind,
)
LOOKED_AT: Final = 200


def changes(
    partner_id: UUID, *, before: UUID | None = None, after: UUID | None = None, size: int = PAGE_SIZE
) -> tuple[tuple[Record, ...], bool]:
    """A page of a partner's history, newest first, and whether there is more in the direction that was asked for.

    The page is of those older than ``before``, or of those newer than ``after``.
    """
    rows = _changes(partner_id)
    if after is not None:
        found = records_of(rows.filter(id__gt=after).order_by("id")[: size + 1])
        return found[:size][::-1], len(found) > size
    if before is not None:
        rows = rows.filter(id__lt=before)
    found = records_of(rows.order_by("-id")[: size + 1])
    return found[:size], len(found) > size


def registration(partner_id: UUID) -> Record | None:
    """How the partner came to be here; None where it came without an event."""
    rows = _changes(partner_id).filter(kind=events.PartnerRegistered.kind)
    return next(iter(records_of(rows.order_by("id")[:1])), None)


def changes_of_policy(partner_id: UUID) -> tuple[Record, ...]:
    """The latest changes among which those of trusts and mappings are, newest first."""
    return records_of(_changes(partner_id).filter(kind__in=POLICY_KINDS).order_by("-id")[:LOOKED_AT])


def latest_granted(partner_id: UUID) -> tuple[Record, ...]:
    """The latest tokens issued to clients of the partner, newest first. Led by ``event_by_partner``."""
    rows = Event.objects.filter(partner_id=partner_id, kind=events.ExchangeGranted.kind)
    return records_of(rows.order_by("-id")[:PAGE_SIZE])


def _changes(partner_id: UUID) -> QuerySet[Event]:
    return Event.objects.filter(~Q(kind__in=NO_CHANGES), partner_id=partner_id)
