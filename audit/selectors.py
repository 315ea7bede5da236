"""Reading the audit trail: exchanges page by page, one correlation, recent changes, who was seen last.

Every query is led by an index: ids are UUIDv7, so a time range is an id range and "newest first" is the primary key
read backwards; ``event_by_partner``, ``event_by_client``, ``event_by_target``, ``event_by_reason``, ``event_by_kind``
and ``event_by_correlation`` lead the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.db import connection
from django.db.models import Q

from audit import events, steps
from audit.models import NO_CHANGES, Event
from audit.partitions import lowest_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from django.db.models import QuerySet

EXCHANGE_KINDS: Final = (
    events.ExchangeGranted.kind,
    events.ExchangeRefused.kind,
    events.ClientAuthenticationFailed.kind,
)
CHANGE_PREFIXES: Final = ("partner.", "trust.", "mapping.", "key.", "configuration.", "person.")
EVERYDAY: Final = frozenset({"person.signed_in", "person.sign_in_failed", "person.factor_failed", "person.link_sent"})
"""What happens to people all the time, and changes nobody's rights."""
FAILURE_PREFIX: Final = "server."
PAGE_SIZE: Final = 50
AHEAD: Final = timedelta(days=1)
"""Nothing is looked for later than this after now: months that are yet to come need not be planned for."""


class Outcome(StrEnum):
    """How an exchange ended for its caller. ``REFUSED``: a rule said no. ``FAILED``: we could not answer."""

    GRANTED = "granted"
    REFUSED = "refused"
    FAILED = "failed"


def instant_of(event_id: UUID) -> datetime:
    """The instant in a UUIDv7: its first 48 bits are milliseconds (RFC 9562 section 5.7)."""
    return datetime.fromtimestamp((event_id.int >> 80) / 1000, tz=UTC)


def outcome_of(kind: str, reason: str) -> Outcome:
    """The outcome of an exchange's event; a refusal for a reason of our own is a failure, never a refusal."""
    if kind == events.ExchangeGranted.kind:
        return Outcome.GRANTED
    return Outcome.FAILED if reason.startswith(FAILURE_PREFIX) else Outcome.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event as lists show it."""

    id: UUID
    kind: str
    reason: str
    partner_id: UUID | None
    client: str
    target: str
    actor: str
    correlation_id: UUID

    @property
    def at(self) -> datetime:
        """When it was written, to the millisecond."""
        return instant_of(self.id)

    @property
    def outcome(self) -> Outcome:
        """How the exchange ended."""
        return outcome_of(self.kind, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One event with everything it says, read from its canonical form."""

    entry: Entry
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which exchanges are asked for. A field that is None or empty does not narrow; ``partners`` of () finds none.

    ``step`` is the step at which they were refused. ``until`` is not part of the time any more.
    """

    since: datetime | None = None
    until: datetime | None = None
    step: str = ""
    outcome: Outcome | None = None
    reason: str = ""
    client: str = ""
    target: str = ""
    partners: tuple[UUID, ...] | None = None
    reference: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list, newest first, and the ids to continue from in both directions."""

    entries: tuple[Entry, ...]
    older: UUID | None
    newer: UUID | None


_COLUMNS: Final = ("id", "kind", "reason", "partner_id", "client", "target", "actor", "correlation_id")


def exchanges(search: Search, *, before: UUID | None = None, after: UUID | None = None, size: int = PAGE_SIZE) -> Page:
    """A page of exchanges, newest first: those older than ``before``, or those newer than ``after``."""
    if after is not None:
        found = _first(search, Q(id__gt=after), "id", size + 1)
        return _page(found[:size][::-1], has_older=True, has_newer=len(found) > size)
    found = _first(search, Q() if before is None else Q(id__lt=before), "-id", size + 1)
    return _page(found[:size], has_older=len(found) > size, has_newer=before is not None)


def _first(search: Search, beyond: Q, order: str, size: int) -> list[dict[str, Any]]:
    """The first rows in an order. Of several reasons each is one probe of ``event_by_reason``."""
    parts = [
        _matching(part).filter(beyond).order_by(order).values(*_COLUMNS)[:size] for part in steps.by_reason(search)
    ]
    if len(parts) == 1:
        return list(parts[0])
    return list(parts[0].union(*parts[1:], all=True).order_by(order)[:size])


def _page(rows: Sequence[Mapping[str, Any]], *, has_older: bool, has_newer: bool) -> Page:
    entries = tuple(Entry(**row) for row in rows)
    return Page(
        entries=entries,
        older=entries[-1].id if entries and has_older else None,
        newer=entries[0].id if entries and has_newer else None,
    )


def _matching(search: Search) -> QuerySet[Event]:
    rows = Event.objects.filter(kind__in=EXCHANGE_KINDS)
    if search.since is not None:
        rows = rows.filter(id__gte=lowest_id(search.since))
    until = search.until or datetime.now(UTC) + AHEAD
    rows = rows.filter(id__lt=lowest_id(until))
    if search.step:
        rows = rows.filter(steps.refused_at(search.step))
    if search.outcome is Outcome.GRANTED:
        rows = rows.filter(kind=events.ExchangeGranted.kind)
    elif search.outcome is not None:
        failed = Q(reason__startswith=FAILURE_PREFIX)
        wanted = failed if search.outcome is Outcome.FAILED else ~failed
        rows = rows.filter(wanted, kind__in=EXCHANGE_KINDS[1:])
    if search.partners is not None:
        rows = rows.filter(partner_id__in=search.partners)
    if search.reference is not None:
        rows = rows.filter(Q(correlation_id=search.reference) | Q(id=search.reference))
    exact = {"reason": search.reason, "client": search.client, "target": search.target}
    return rows.filter(**{column: value for column, value in exact.items() if value})


def events_of(reference: UUID) -> tuple[Record, ...]:
    """Every event of one correlation id, or the one event of this id, oldest first."""
    rows = Event.objects.filter(Q(correlation_id=reference) | Q(id=reference)).order_by("id")
    return records_of(rows[:PAGE_SIZE])


def recent_changes(*, size: int) -> tuple[Record, ...]:
    """The last changes of configuration, newest first. Led by ``event_changes``, which holds no exchange."""
    known = {event.kind for event in events.Event.__subclasses__() if event.kind.startswith(CHANGE_PREFIXES)}
    kinds = sorted(known - EVERYDAY)
    rows = Event.objects.filter(~Q(kind__in=NO_CHANGES), kind__in=kinds, id__lt=lowest_id(datetime.now(UTC) + AHEAD))
    return records_of(rows.order_by("-id")[:size])


def records_of(rows: QuerySet[Event]) -> tuple[Record, ...]:
    """Events with everything they say, in the order of the rows. One query."""
    return tuple(
        Record(
            entry=Entry(**{column: getattr(row, column) for column in _COLUMNS}),
            document=orjson.loads(row.canonical),
        )
        for row in rows
    )


_LAST_SEEN: Final = """
    SELECT asked.id, last.id FROM unnest(%s::uuid[]) AS asked(id) CROSS JOIN LATERAL (
        SELECT event.partner_id, event.id FROM audit_event event
        WHERE event.partner_id >= asked.id AND event.kind = ANY(%s)
        ORDER BY event.partner_id, event.id DESC LIMIT 1
    ) last WHERE last.partner_id = asked.id
"""
# "At least, in the order of the index, the first" instead of "equal, the newest": for the latter the planner reads the
# primary key backwards, which for a partner that never exchanged is the whole trail.


def last_seen(partners: Sequence[UUID]) -> dict[UUID, datetime]:
    """When each partner last exchanged, granted or not. One probe of ``event_by_partner`` for each partner."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_SEEN, [list(partners), list(EXCHANGE_KINDS)])
        return {partner: instant_of(last) for partner, last in cursor}
