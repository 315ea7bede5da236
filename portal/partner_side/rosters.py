"""The people of one partner who have an account here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from portal.models import PartnerAdmin
from portal.people import acts

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from partners.changes import Change
    from portal.models import User

SHOWN: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Insider:
    """One of them as the partner's page shows them."""

    id: UUID
    email: str
    is_active: bool
    since: datetime
    last_sign_in: datetime | None


def people(partner_id: UUID) -> tuple[Insider, ...]:
    """Who of a partner was let in, newest first. One query."""
    rows = PartnerAdmin.objects.filter(partner=partner_id).select_related("user").order_by("-since")
    return tuple(
        Insider(
            id=row.user.pk,
            email=row.user.email,
            is_active=row.user.is_active,
            since=row.since,
            last_sign_in=row.user.last_login,
        )
        for row in rows[:SHOWN]
    )


def find(partner_id: UUID, person_id: UUID) -> User | None:
    """Somebody of this partner, or None."""
    row = PartnerAdmin.objects.filter(partner=partner_id, user=person_id).select_related("user").first()
    return None if row is None else row.user


def has(partner_id: UUID, email: str) -> bool:
    """Whether this address is one of theirs."""
    return PartnerAdmin.objects.filter(partner=partner_id, user__email=email).exists()


def close(change: Change, by: User, person: User) -> None:
    """Close the account of somebody of a partner, and end their sessions. What is closed already stays so."""
    acts.disable(change, by, person)
