"""A link that signs one person in, once, for the first time or when they lost their ways in. It comes by mail.

The link holds 256 random bits, and the database only their digest. Opening it shows a page and changes nothing, since
mail scanners open links too; the button on that page uses it up. Whoever has a second factor is still asked for it.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.person_events import PersonLinked
from portal import mail
from portal.models import SignInLink
from portal.people.events import about

if TYPE_CHECKING:
    from partners.changes import Change
    from portal.models import User

GOOD_FOR: Final = timedelta(hours=72)


def make(change: Change, person: User) -> str:
    """A new link for somebody; the links they had before are void. The answer is what the mail must say, once."""
    SignInLink.objects.filter(user=person, used_at=None).delete()
    token = secrets.token_urlsafe(32)
    link = SignInLink.objects.create(user=person, digest=_digest(token), expires_at=timezone.now() + GOOD_FOR)
    change.record(PersonLinked(data=about(person) | {"expires_at": link.expires_at.isoformat(timespec="seconds")}))
    return token


def send(person: User, token: str) -> None:
    """Mail the link. Raises ``OSError`` where the message is not taken: the link can be made again."""
    address = settings.HANDOVER.issuer + reverse("account-welcome", kwargs={"token": token})
    context = {"person": person, "address": address, "good_for": GOOD_FOR, "environment": settings.HANDOVER.environment}
    subject = _("Your account at Handover %(environment)s") % {"environment": settings.HANDOVER.environment}
    mail.send(person.email, subject, "welcome", context)


def whose(token: str) -> User | None:
    """Whom this link signs in, if it still does. Changes nothing."""
    link = SignInLink.objects.select_related("user").filter(digest=_digest(token)).first()
    is_good = link is not None and link.used_at is None and link.expires_at > timezone.now() and link.user.is_active
    return link.user if link is not None and is_good else None


def use(token: str) -> User | None:
    """Use the link up: of two who try at the same moment, one gets in."""
    now = timezone.now()
    person = whose(token)
    used = SignInLink.objects.filter(digest=_digest(token), used_at=None, expires_at__gt=now).update(used_at=now)
    return person if used else None


def sweep() -> None:
    """Delete the links that are over. Safe to run twice at a time."""
    SignInLink.objects.filter(expires_at__lt=timezone.now()).delete()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
