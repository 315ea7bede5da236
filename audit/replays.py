"""The recorded exchanges of one partner with everything their events say, a batch at a time: what is tried again.

Led by ``event_by_partner``; never more than a batch is in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from audit.models import Event
from audit.partitions import lowest_id
from audit.selectors import EXCHANGE_KINDS, Entry, Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

BATCH: Final = 500
_COLUMNS: Final = ("id", "kind", "reason", "partner_id", "client", "target", "actor", "correlation_id")


def recorded(partner_id: UUID, *, since: datetime, before: UUID | None = None, size: int = BATCH) -> list[Record]:
    """The newest exchanges of a partner since an instant, older than ``before``; an empty list at the end."""
    rows = Event.objects.filter(partner_id=partner_id, kind__in=EXCHANGE_KINDS, id__gte=lowest_id(since))
    if before is not None:
        rows = rows.filter(id__lt=before)
    return _records(rows.order_by("-id"), size)


def following(partner_id: UUID, *, after: UUID, until: UUID, size: int = BATCH) -> list[Record]:
    """The oldest exchanges of a partner later than ``after`` and earlier than ``until``, oldest first."""
    rows = Event.objects.filter(partner_id=partner_id, kind__in=EXCHANGE_KINDS, id__gt=after, id__lt=until)
    return _records(rows.order_by("id"), size)


def of_ids(ids: Sequence[UUID]) -> list[Record]:
    """The events of these ids, in no order. One query."""
    return _records(Event.objects.filter(id__in=ids), len(ids))


def _records(rows: QuerySet[Event], size: int) -> list[Record]:
    found = rows.values(*_COLUMNS, "canonical")[:size]
    return [Record(document=orjson.loads(row.pop("canonical")), entry=Entry(**row)) for row in found]
