"""The unit of work of every configuration change: one transaction, one epoch, one author, at least one audit event.

Services take a ``Change`` as their first argument, so no configuration can be written outside one. The slow work comes
first; at the very end the ledger's lock is taken exclusively and the epoch moves (performance.md decision 3). Nothing
decided under the old rules can be committed after the change has been: a suspended partner is out at the next request.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction
from django.db.models import F

from audit import services as audit
from audit.events import MappingPublished
from partners.models import Partner, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from audit.events import Actor, Event

LEDGER_LOCK: Final = 4242
"""Transaction-level advisory lock: shared by the ledger's batches, exclusive for writers that must be seen."""

CHANNEL: Final = "handover_registry"


@dataclass(slots=True)
class Change:
    """One author's change, open until its transaction commits. Collects which partners and which catalogues moved."""

    actor: Actor
    correlation_id: UUID | None = None
    _partners: set[UUID] = field(default_factory=set)
    _catalogue: bool = False
    _keys: bool = False
    _published: set[UUID] = field(default_factory=set)

    def touch(self, partner_id: UUID | None) -> None:
        """The partner, or anything that belongs to it, changed; without one, a client of our own."""
        if partner_id is None:
            self.touch_catalogue()
        else:
            self._partners.add(partner_id)

    def touch_catalogue(self) -> None:
        """A target or a scope changed."""
        self._catalogue = True

    def touch_keys(self) -> None:
        """One of our signing keys changed."""
        self._keys = True

    def record(self, event: Event) -> None:
        """Audit the change in its own transaction."""
        if isinstance(event, MappingPublished) and event.partner_id is not None:
            self._published.add(event.partner_id)
        audit.record(event, self.actor, correlation_id=self.correlation_id)

    @property
    def published(self) -> frozenset[UUID]:
        """The partners of which a mapping was published in this change: what was tried for them is tried again."""
        return frozenset(self._published)

    def publish(self) -> None:
        """Move the epoch, last thing before the commit; does nothing when nothing was touched."""
        if not (self._partners or self._catalogue or self._keys):
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LEDGER_LOCK])
        moved = {"epoch": F("epoch") + 1}
        if self._catalogue:
            moved["catalogue_version"] = F("epoch") + 1
        if self._keys:
            moved["keys_version"] = F("epoch") + 1
        Registry.objects.filter(pk=1).update(**moved)
        epoch = Registry.objects.values_list("epoch", flat=True).get(pk=1)
        Partner.objects.filter(pk__in=self._partners).update(version=epoch)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(epoch)])


@contextmanager
def changing(actor: Actor, *, correlation_id: UUID | None = None) -> Iterator[Change]:
    """Open a change. The outermost caller (page, API, command, task) opens it; services only receive it.

    ``correlation_id`` is the call's that asked for it, where there is one; its events are found by it.
    """
    with transaction.atomic(durable=True):
        change = Change(actor, correlation_id)
        yield change
        change.publish()


@contextmanager
def supposing(actor: Actor) -> Iterator[Change]:
    """A change that is made to be looked at, and undone: services check and write as ever, and nothing is left of it.

    What is read inside is as it would be. The epoch does not move, and no other process ever sees any of it.
    """
    with transaction.atomic():
        yield Change(actor)
        transaction.set_rollback(True)
