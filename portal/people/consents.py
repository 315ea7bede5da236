"""What people lent to clients, taken back by themselves or by a security admin, with its audit event (rule 151)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.person_events import ConsentWithdrawn
from exchange import consents
from portal.people.events import about

if TYPE_CHECKING:
    from uuid import UUID

    from partners.changes import Change
    from portal.models import User


def withdraw(change: Change, person: User, client: UUID) -> bool:
    """End all that the client holds of the person; False for a client that there is not.

    What was withdrawn already leaves no second event: it is what was asked for.
    """
    found = consents.withdraw(person.pk, client)
    if found is not None and found.roots:
        event = ConsentWithdrawn(
            partner_id=found.partner_id,
            partner=found.partner,
            client=found.client_id,
            data=about(person) | {"roots": found.roots},
        )
        change.record(event)
    return found is not None
