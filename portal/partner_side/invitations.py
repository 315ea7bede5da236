"""The link that lets one person of a partner in: once, for 72 hours, for an address of the partner's own domain.

The link holds 256 random bits, and the database only their digest. Opening it shows a page and changes nothing, since
mail scanners open links too; the button on that page accepts. Whether it still holds is asked when it is used; that its
time is over is only written down later. Each step is an audit event.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.events import SYSTEM, Actor, ActorKind
from audit.partner_side_events import InviteExpired, InviteRedeemed, InviteRefused, InviteRevoked, InviteSent
from partners import services
from partners.changes import changing
from partners.errors import IllegalTransition
from partners.states import PartnerState
from portal import mail
from portal.models import Invitation, PartnerAdmin, User
from portal.partner_side import rosters
from portal.partner_side.domains import domain_of
from portal.people import acts

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from audit.events import JSON, Event
    from partners.changes import Change
    from partners.profiles import Profile

    Rows = QuerySet[Invitation]

GOOD_FOR: Final = timedelta(hours=72)
NOTED_AT_ONCE: Final = 500
SHOWN: Final = 50


class NotInvited(Exception):
    """An invitation that a rule forbids. The message says why, and what to do."""


class Condition(StrEnum):
    """How an invitation stands at an instant."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """An invitation as pages show it: whom, by whom, until when. Never what opens it."""

    id: UUID
    email: str
    inviter: str
    partner: str
    made_at: datetime
    expires_at: datetime
    condition: Condition


def make(change: Change, by: User, partner: Profile, email: str, *, anew: bool = False) -> str:
    """Invite somebody; a link they had before is void. The answer is what the mail must say, once.

    ``anew``: somebody who has an account lost every way in, and theirs are forgotten at once.
    Raises ``NotInvited``, and ``IllegalTransition`` for a partner that left.
    """
    if partner.state == PartnerState.OFFBOARDED:
        raise IllegalTransition(f"Partner {partner.slug} is offboarded, which is final. Nobody of it can be invited.")
    _require_address(partner, email)
    if anew:
        rosters.forget_ways_in(change, partner.id, email)
    now, token = timezone.now(), secrets.token_urlsafe(32)
    for row in _open(partner.id, now).filter(email__iexact=email).select_for_update(of=("self",)):
        _revoke(change, row, now)
    row = Invitation.objects.create(
        partner_id=partner.id, email=email, digest=_digest(token), made_by=by, expires_at=now + GOOD_FOR
    )
    _record(change, InviteSent, row, expires_at=row.expires_at.isoformat(timespec="seconds"))
    if partner.state == PartnerState.DRAFT:  # later, somebody works on it already: an invitation sets nothing back
        services.mark_invited(change, partner.slug)
    return token


def address_of(token: str) -> str:
    """The address that the link opens."""
    return str(settings.HANDOVER.issuer + reverse("invitation", kwargs={"token": token}))


def send(partner: Profile, by: User, email: str, token: str) -> None:
    """Mail the link. Raises ``OSError`` where the message is not taken: then it is handed over by another way."""
    environment = settings.HANDOVER.environment
    context = {"partner": partner, "by": by, "address": address_of(token), "good_for": GOOD_FOR}
    subject = _("Connect %(partner)s to Handover %(environment)s") % {
        "partner": partner.name,
        "environment": environment,
    }
    mail.send(email, subject, "invitation", {**context, "environment": environment})


def opened(token: str) -> Invited | None:
    """The invitation behind a link, while it can be accepted. Changes nothing."""
    row = _rows().filter(digest=_digest(token)).first()
    shown = None if row is None else _shown(row, timezone.now())
    return shown if shown is not None and shown.condition is Condition.WAITING else None


def accept(token: str) -> User | None:
    """Let the invited person in: of two who try at the same moment, one gets in. None: the link opens nothing.

    They get an account, or the one they have of this very partner; nobody else's account is opened by an invitation.
    """
    email = Invitation.objects.filter(digest=_digest(token)).values_list("email", flat=True).first()
    if email is None:
        return None
    with changing(Actor(ActorKind.USER, email)) as change:
        row = _rows().select_for_update(of=("self",)).get(digest=_digest(token))
        why = _obstacle(row, timezone.now())
        if why:
            _record(change, InviteRefused, row, why=why)
            return None
        return _accepted(change, row)


def revoke(change: Change, partner: Profile, invitation_id: UUID) -> None:
    """Take an invitation back. Raises ``NotInvited`` where nobody could accept it any more."""
    now = timezone.now()
    row = _open(partner.id, now).filter(pk=invitation_id).select_for_update(of=("self",)).first()
    if row is None:
        raise NotInvited(_("This invitation was accepted, revoked or ended meanwhile. Nothing is left to revoke."))
    _revoke(change, row, now)


def listed(partner: Profile, *, before: UUID | None = None, size: int = SHOWN) -> tuple[Invited, ...]:
    """The newest invitations of a partner. One query, led by ``invitation_by_partner``."""
    now, rows = timezone.now(), _rows().filter(partner=partner.id)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return tuple(_shown(row, now) for row in rows.order_by("-id")[:size])


def find(partner: Profile, invitation_id: UUID) -> Invited | None:
    """One invitation of a partner, or None."""
    row = _rows().filter(partner=partner.id, pk=invitation_id).first()
    return None if row is None else _shown(row, timezone.now())


def note_ends() -> None:
    """Write down which invitations time has ended. It decides nothing, and running twice at a time writes it once."""
    now = timezone.now()
    over = Invitation.objects.filter(used_at=None, revoked_at=None, expiry_noted_at=None, expires_at__lte=now)
    if not over.exists():
        return
    with changing(SYSTEM) as change:
        rows = over.select_related("partner").select_for_update(of=("self",), skip_locked=True)
        for row in rows.order_by("expires_at")[:NOTED_AT_ONCE]:
            row.expiry_noted_at = now
            row.save(update_fields=["expiry_noted_at"])
            _record(change, InviteExpired, row)


def _require_address(partner: Profile, email: str) -> None:
    """An address of the contact's domain that no other account has. Raises ``NotInvited``."""
    if not partner.contact_email:
        raise NotInvited(_("No contact of %(partner)s is known, so neither is its domain.") % {"partner": partner.name})
    domain = domain_of(partner.contact_email)
    if domain_of(email) != domain:
        words = _("The contact of %(partner)s is at %(domain)s, and only addresses there can be invited.")
        raise NotInvited(words % {"partner": partner.name, "domain": domain})
    if _is_taken(partner.id, email):
        raise NotInvited(_("Somebody has an account with this address that is not this partner's, or is closed."))


def _is_taken(partner_id: UUID, email: str) -> bool:
    person = User.objects.filter(email__iexact=email).first()
    if person is None:
        return False
    return not (person.is_active and PartnerAdmin.objects.filter(user=person, partner=partner_id).exists())


def _obstacle(row: Invitation, now: datetime) -> str:
    """Why it cannot be accepted; empty where it can."""
    condition = _condition(row, now)
    if condition is not Condition.WAITING:
        return str(condition)
    if row.partner.state == PartnerState.OFFBOARDED:
        return "partner_left"
    return "address_taken" if _is_taken(row.partner_id, row.email) else ""


def _accepted(change: Change, row: Invitation) -> User:
    person = User.objects.filter(email__iexact=row.email).first()
    if person is None:
        person = acts.make_partner_admin(change, row.email, given_by=f"user:{row.made_by.email}")
        PartnerAdmin.objects.create(user=person, partner_id=row.partner_id, domain=domain_of(row.email))
    row.used_at = timezone.now()
    row.save(update_fields=["used_at"])
    _record(change, InviteRedeemed, row, person=str(person.pk))
    if row.partner.state == PartnerState.INVITED:
        services.configure_partner(change, row.partner.slug)
    return person


def _revoke(change: Change, row: Invitation, now: datetime) -> None:
    row.revoked_at = now
    row.save(update_fields=["revoked_at"])
    _record(change, InviteRevoked, row)


def _record(change: Change, event: type[Event], row: Invitation, **more: JSON) -> None:
    data: dict[str, JSON] = {"invitation": str(row.pk), "email": row.email, "name": row.email, **more}
    change.record(event(partner_id=row.partner_id, partner=row.partner.slug, data=data))


def _rows() -> Rows:
    return Invitation.objects.select_related("partner", "made_by")


def _open(partner_id: UUID, now: datetime) -> Rows:
    rows = Invitation.objects.filter(partner=partner_id, used_at=None, revoked_at=None, expires_at__gt=now)
    return rows.select_related("partner")


def _shown(row: Invitation, now: datetime) -> Invited:
    return Invited(
        id=row.pk,
        email=row.email,
        inviter=str(row.made_by),
        partner=row.partner.name,
        made_at=row.made_at,
        expires_at=row.expires_at,
        condition=_condition(row, now),
    )


def _condition(row: Invitation, now: datetime) -> Condition:
    if row.used_at is not None:
        return Condition.ACCEPTED
    if row.revoked_at is not None:
        return Condition.REVOKED
    return Condition.WAITING if now < row.expires_at else Condition.ENDED


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
