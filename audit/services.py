"""Writing to the audit trail: an explicit call in the transaction of the change, never a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from audit.envelope import SCHEMA_VERSION, seal
from audit.identifiers import new_id
from audit.models import Event as EventRow
from audit.models import Pending

if TYPE_CHECKING:
    from audit.events import Actor, Event


def record(event: Event, actor: Actor, *, correlation_id: UUID | None = None) -> UUID:
    """Write one event and queue it for the sealer; answers its id.

    It joins the caller's transaction, so that a change without its event, or an event without its change, cannot be
    committed. Raises what the database raises: the caller's change then rolls back too (fail closed).
    """
    event_id = new_id()
    correlation = event_id if correlation_id is None else str(correlation_id)
    envelope = seal(event, actor, event_id=event_id, correlation_id=correlation, at=timezone.now())
    with transaction.atomic():
        EventRow.objects.create(
            id=event_id,
            kind=event.kind,
            outcome=event.outcome,
            reason=event.reason,
            partner_id=event.partner_id,
            client=event.client,
            target=event.target,
            actor=str(actor),
            correlation_id=envelope.correlation_id,
            canonical=envelope.canonical,
            mac=envelope.mac,
            kek_id=envelope.kek_id,
            schema_version=SCHEMA_VERSION,
        )
        Pending.objects.create(event_id=event_id)
    return UUID(event_id)
