"""Audit events as the exchange writes them, at any instant: what the pages under test read."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from audit import events
from audit.envelope import SCHEMA_VERSION, seal
from audit.events import Actor, ActorKind
from audit.models import Event as EventRow
from audit.models import Pending
from audit.partitions import lowest_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from partners.models import Partner

LEDGER = "https://ledger.meridian.example"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ADA = Actor(ActorKind.USER, "ada@meridian.example")


def write(event: events.Event, actor: Actor, *, at: datetime, correlation_id: UUID | None = None) -> UUID:
    """Record an event as of an instant, by the same envelope as ``audit.services.record``; answers its reference."""
    event_id = UUID(int=lowest_id(at).int | secrets.randbits(60))
    reference = correlation_id or event_id
    envelope = seal(event, actor, event_id=str(event_id), correlation_id=str(reference), at=at)
    row = EventRow(
        id=event_id,
        kind=event.kind,
        outcome=event.outcome,
        reason=event.reason,
        partner_id=event.partner_id,
        client=event.client,
        target=event.target,
        actor=str(actor),
        correlation_id=reference,
        canonical=envelope.canonical,
        mac=envelope.mac,
        kek_id=envelope.kek_id,
        schema_version=SCHEMA_VERSION,
    )
    if _queue is None:
        _insert([row])
    else:
        _queue.append(row)
    return reference


_queue: list[EventRow] | None = None


def _insert(rows: list[EventRow]) -> None:
    EventRow.objects.bulk_create(rows)
    Pending.objects.bulk_create(Pending(event_id=row.id) for row in rows)


@contextmanager
def together() -> Iterator[None]:
    """Write the events of this block at its end, in one statement."""
    global _queue  # noqa: PLW0603 - one block at a time
    _queue = []
    try:
        yield
        _insert(_queue)
    finally:
        _queue = None


def token(issuer: str = "https://idp.kestrel.example", subject: str = "svc-settle", **claims: Any) -> dict[str, Any]:
    """The facts of a verified token."""
    return {
        "issuer": issuer,
        "subject": subject,
        "jti": "6f1c2a7e",
        "digest": "5d" * 32,
        "type": ACCESS_TOKEN,
        "alg": "ES256",
        "kid": "k-31",
        "claims": {"iss": issuer, "sub": subject, "scope": "settle:write reports:read", "tier": "gold", **claims},
    }


def request(**changes: Any) -> dict[str, Any]:
    """The facts of a well-formed request."""
    good = {
        "grant_type": TOKEN_EXCHANGE,
        "audience": [LEDGER],
        "resource": [],
        "scope": ["ledger.read", "ledger.write"],
        "subject_token_type": ACCESS_TOKEN,
        "actor_token_type": None,
        "requested_token_type": None,
        "request_id": "req-7731",
        "traceparent": "00-c7e1f2a4b5c6d7e8f9a0b1c2d3e4f5a6-b7ad6b7169203331-01",
        "address": "203.0.113.24",
    }
    return {**good, **changes}


EARLY_STEPS = [
    ["client", "passed", "client_secret_basic", "kestrel-settlement"],
    ["issuer", "passed", "kestrel-idp", "https://idp.kestrel.example"],
    ["subject_token", "passed", "ES256 by key k-31", "expires 2026-03-17T13:15:00Z"],
    ["trust_rules", "passed", "tier equals gold", ""],
]
GRANTED_STEPS = [
    *EARLY_STEPS,
    ["target", "passed", "a registered target", LEDGER],
    ["mapping", "passed", "ledger-api", "settle v3"],
    ["delegation", "passed", "impersonation allowed", "no actor token"],
    ["scope", "narrowed", "ledger.read ledger.write", "ledger.admin ledger.read ledger.write"],
    ["lifetime", "passed", "bounded by mapping", "300 s"],
    ["subject", "passed", "sub", "partner:kestrel:svc-settle"],
]


def granted(partner: Partner, *, at: datetime | None = None, client: str = "kestrel-settlement", **data: Any) -> UUID:
    """An exchange that was granted, with one scope cut."""
    at = at or timezone.now()
    known: dict[str, Any] = {
        "request": request(scope=["ledger.admin", "ledger.read", "ledger.write"]),
        "credentials": {"client_id": client, "method": "client_secret_basic"},
        "trust": {"id": str(partner.id), "name": "kestrel-idp", "issuer": "https://idp.kestrel.example"},
        "subject": token(),
        "mappings": [{"id": str(partner.id), "name": "settle", "version": 3, "target": "ledger-api"}],
        "token": {
            "jti": "0199e0c4-7c1e-7a40-a940-5b0e1f2391d2",
            "family": "0199e0c4-7c1e-7a40-a940-5b0e1f2391d3",
            "sub": "partner:kestrel:svc-settle",
            "aud": [LEDGER],
            "scope": ["ledger.read", "ledger.write"],
            "expires_at": int((at + timedelta(minutes=5)).timestamp()),
            "kid": "2026-11-a",
            "act": {"sub": "kestrel-settlement", "client_id": "kestrel-settlement"},
        },
        "steps": GRANTED_STEPS,
        "micros": 2931,
    }
    event = events.ExchangeGranted(
        partner_id=partner.id, partner=partner.slug, client=client, target=LEDGER, data={**known, **data}
    )
    return write(event, Actor(ActorKind.CLIENT, client), at=at)


def refused(
    partner: Partner | None,
    *,
    reason: str = "policy.target_not_mapped",
    at: datetime | None = None,
    client: str = "kestrel-settlement",
    target: str = "https://payroll.meridian.example",
    **data: Any,
) -> UUID:
    """An exchange that a rule refused: by default there was no mapping to the target."""
    known: dict[str, Any] = {
        "request": request(audience=[target]),
        "credentials": {"client_id": client, "method": "client_secret_basic"},
        "trust": {"id": "0199e0c4-7c1e-7a40-a940-5b0e1f2391d4", "name": "idp", "issuer": "https://idp.kestrel.example"},
        "subject": token(),
        "steps": [
            *EARLY_STEPS,
            ["target", "passed", "a registered target", target],
            ["mapping", "refused", "a published mapping to payroll-api", "absent"],
        ],
        "error": "invalid_target",
        "status": 400,
        "micros": 1408,
    }
    event = events.ExchangeRefused(
        partner_id=partner.id if partner else None,
        partner=partner.slug if partner else "",
        client=client,
        target=target,
        reason=reason,
        data={**known, **data},
    )
    return write(event, Actor(ActorKind.CLIENT, client), at=at or timezone.now())


def unauthenticated(*, at: datetime | None = None, client: str = "somebody") -> UUID:
    """A caller that did not prove to be a client of ours: little is known of it."""
    event = events.ClientAuthenticationFailed(
        client=client,
        reason="client.unknown",
        data={
            "request": {"grant_type": TOKEN_EXCHANGE, "address": "198.51.100.7"},
            "steps": [["client", "refused", "a registered client", client]],
            "error": "invalid_client",
            "status": 401,
        },
    )
    return write(event, events.UNAUTHENTICATED, at=at or timezone.now())


def changed(partner: Partner, *, at: datetime | None = None, name: str = "settle") -> UUID:
    """A mapping was published."""
    event = events.MappingPublished(
        partner_id=partner.id,
        partner=partner.slug,
        data={"object": "Mapping", "name": name, "change": "published", "fields": []},
    )
    return write(event, ADA, at=at or timezone.now())
