"""The canonical form of an event (RFC 8785) and its authentication code, made once and identical for every writer."""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.conf import settings
from msgspec import Struct

if TYPE_CHECKING:
    from datetime import datetime

    from audit.events import Actor, Event

SCHEMA_VERSION: Final = 1


class Envelope(Struct, frozen=True, kw_only=True):
    """An event ready to be written: its canonical text, the MAC over it, and the id of the key that made the MAC."""

    id: str
    event: Event
    actor: Actor
    correlation_id: str
    canonical: str
    mac: bytes
    kek_id: str


@lru_cache(maxsize=1)
def _code() -> tuple[str, hmac.HMAC]:
    """The authentication code of no message yet, to be copied, and the id of the key its own is derived from."""
    kek = settings.HANDOVER.kek
    return kek.id, hmac.new(kek.derive("audit-mac"), digestmod="sha256")


def canonical_form(document: dict[str, Any]) -> bytes:
    """The document in the form of RFC 8785.

    ``orjson`` writes values as the RFC does and sorts members by code point. The RFC sorts by UTF-16 code unit, which
    is another order beyond U+FFFF, and partners choose the names of their claims.
    """
    canonical = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return canonical if canonical.isascii() else orjson.dumps(_in_utf_16_order(document))


def _in_utf_16_order(value: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return {name: _in_utf_16_order(member) for name, member in members}
    if isinstance(value, list):
        return [_in_utf_16_order(item) for item in value]
    return value


def seal(event: Event, actor: Actor, *, event_id: str, correlation_id: str, at: datetime) -> Envelope:
    """The event's canonical form with its MAC, which a writer with database access alone cannot forge.

    Floats, bytes and integers beyond 2**53 have no place in an event: a test compares the form of everything else with
    an independent implementation's.
    """
    document = {
        "actor": {"kind": actor.kind, "name": actor.name} | ({"via": actor.via} if actor.via else {}),
        "at": at.isoformat(timespec="microseconds"),
        "client": event.client,
        "correlation_id": correlation_id,
        "data": event.data,
        "id": event_id,
        "kind": event.kind,
        "outcome": event.outcome,
        "partner": event.partner,
        "reason": event.reason,
        "schema": SCHEMA_VERSION,
        "target": event.target,
    }
    canonical = canonical_form(document)
    kek_id, begun = _code()
    code = begun.copy()
    code.update(canonical)
    return Envelope(
        id=event_id,
        event=event,
        actor=actor,
        correlation_id=correlation_id,
        canonical=canonical.decode(),
        mac=code.digest(),
        kek_id=kek_id,
    )
