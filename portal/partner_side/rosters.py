"""The people of one partner who have an account here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from allauth.mfa.models import Authenticator

from audit.person_events import FactorRemoved
from portal.models import PartnerAdmin, User
from portal.people import acts
from portal.people.events import about
from portal.signing_in import sessions

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from partners.changes import Change

SHOWN: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Insider:
    """One of them as the partner's page shows them."""

    id: UUID
    email: str
    is_active: bool
    since: datetime
    last_sign_in: datetime | None


def people(partner_id: UUID, *, before: UUID | None = None, size: int = SHOWN) -> tuple[Insider, ...]:
    """Who of a partner was let in, the newest account first. One query."""
    rows = PartnerAdmin.objects.filter(partner=partner_id).select_related("user").order_by("-user_id")
    if before is not None:
        rows = rows.filter(user_id__lt=before)
    return tuple(map(_shown, rows[:size]))


def insider(partner_id: UUID, person_id: UUID) -> Insider | None:
    """One of them as the page shows them, or None."""
    row = PartnerAdmin.objects.filter(partner=partner_id, user=person_id).select_related("user").first()
    return None if row is None else _shown(row)


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


def forget_ways_in(change: Change, partner_id: UUID, email: str) -> None:
    """Take every way in from somebody of a partner who lost theirs, and end their sessions: they choose others.

    It is asked for by name when they are invited again, and by nothing else: whoever reads their mail must not get in
    without the second factor that they still have (rule 155).
    """
    person = User.objects.filter(email__iexact=email, partner_side__partner=partner_id).first()
    if person is None:
        return
    for factor in Authenticator.objects.filter(user=person).order_by("pk"):
        name = factor.wrap().name if factor.type == Authenticator.Type.WEBAUTHN else ""
        change.record(FactorRemoved(data=about(person) | {"factor": factor.type, "name": name}))
        factor.delete()
    if person.has_usable_password():
        person.set_unusable_password()
        person.save(update_fields=["password"])
        change.record(FactorRemoved(data=about(person) | {"factor": "password", "name": ""}))
    sessions.end_others(change, person, None)


def _shown(row: PartnerAdmin) -> Insider:
    return Insider(
        id=row.user.pk,
        email=row.user.email,
        is_active=row.user.is_active,
        since=row.since,
        last_sign_in=row.user.last_login,
    )
