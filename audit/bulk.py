"""Many events of the past at once, by COPY: sealed and queued as each would have been, in the order of their time."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import connection, transaction

from audit.envelope import SCHEMA_VERSION, seal
from audit.partitions import lowest_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from random import Random

    from audit.envelope import Envelope
    from audit.events import Actor, Event

CHUNK: Final = 20_000
_EVENTS: Final = """
    COPY audit_event (id, kind, outcome, reason, partner_id, client, target, actor, correlation_id, canonical, mac,
        kek_id, schema_version) FROM STDIN
"""
_PENDING: Final = "COPY audit_pending (event_id) FROM STDIN"

Past = tuple["datetime", "Event", "Actor"]


def identifier(at: datetime, random: Random) -> str:
    """A UUIDv7 of that instant (RFC 9562 section 5.7)."""
    return str(UUID(int=lowest_id(at).int | random.getrandbits(12) << 64 | random.getrandbits(62)))


def record_past(events: Iterable[Past], random: Random) -> int:
    """Write events as of their instants; how many. A chunk is written whole or not at all."""
    remaining, count = iter(events), 0
    while chunk := list(islice(remaining, CHUNK)):
        sealed = [_sealed(at, event, actor, random) for at, event, actor in chunk]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")  # a chunk takes seconds on a busy machine
            with cursor.copy(_EVENTS) as copy:
                for envelope in sealed:
                    copy.write_row(_row(envelope))
            with cursor.copy(_PENDING) as copy:
                for envelope in sealed:
                    copy.write_row((envelope.id,))
        count += len(sealed)
    return count


def _sealed(at: datetime, event: Event, actor: Actor, random: Random) -> Envelope:
    event_id, correlation_id = identifier(at, random), identifier(at, random)
    return seal(event, actor, event_id=event_id, correlation_id=correlation_id, at=at)


def _row(envelope: Envelope) -> tuple[object, ...]:
    event = envelope.event
    return (
        envelope.id,
        event.kind,
        event.outcome,
        event.reason,
        event.partner_id,
        event.client,
        event.target,
        str(envelope.actor),
        envelope.correlation_id,
        envelope.canonical,
        envelope.mac,
        envelope.kek_id,
        SCHEMA_VERSION,
    )
