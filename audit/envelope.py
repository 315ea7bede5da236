"""The canonical form of an event (RFC 8785) and its authentication code, made once and identical for every writer."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import orjson
from django.conf import settings

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from audit.events import Actor, Event

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An event ready to be written: its canonical text, the MAC over it, and the id of the key that made the MAC."""

    id: UUID
    event: Event
    actor: Actor
    correlation_id: UUID
    canonical: str
    mac: bytes
    kek_id: str


@lru_cache(maxsize=1)
def _mac_key() -> tuple[str, bytes]:
    kek = settings.HANDOVER.kek
    return kek.id, kek.derive("audit-mac")


def seal(event: Event, actor: Actor, *, event_id: UUID, correlation_id: UUID, at: datetime) -> Envelope:
    """The event's canonical form with its MAC, which a writer with database access alone cannot forge.

    ``orjson`` with sorted keys equals RFC 8785 for the types events may hold (a test compares it with an independent
    implementation); floats and bytes are refused by the event schema.
    """
    document = {
        "actor": {"kind": actor.kind, "name": actor.name},
        "at": at.isoformat(timespec="microseconds"),
        "client": event.client,
        "correlation_id": str(correlation_id),
        "data": event.data,
        "id": str(event_id),
        "kind": event.kind,
        "outcome": event.outcome,
        "partner": event.partner,
        "reason": event.reason,
        "schema": SCHEMA_VERSION,
        "target": event.target,
    }
    canonical = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    kek_id, key = _mac_key()
    return Envelope(
        id=event_id,
        event=event,
        actor=actor,
        correlation_id=correlation_id,
        canonical=canonical.decode(),
        mac=hmac.digest(key, canonical, "sha256"),
        kek_id=kek_id,
    )
