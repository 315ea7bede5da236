"""The sessions of one person: where they are signed in, and ending what should not be.

django-allauth keeps a row beside each session of Django's. Only rows whose session still stands count; the others are
swept with the sessions (``portal.tasks``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.person_events import SessionsEnded
from portal.people.events import about

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet

    from partners.changes import Change
    from portal.models import User

SHOWN: Final = 50
_BROWSERS: Final = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
_BROWSER_NAMES: Final = {"Edg": "Edge", "OPR": "Opera"}
_SYSTEMS: Final = ("Windows", "Android", "iPhone", "iPad", "Mac OS X", "Linux")
_SYSTEM_NAMES: Final = {"Mac OS X": "macOS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSession:
    """One place where a person is signed in. Its key is nowhere: whoever has it is the person."""

    id: int
    browser: str
    address: str
    since: datetime
    is_current: bool


def standing(user: User, current_key: str | None = None) -> tuple[KnownSession, ...]:
    """The sessions of a person that still stand, newest first, ``SHOWN`` of them at most."""
    rows = _standing(user).order_by("-created_at")[:SHOWN]
    return tuple(
        KnownSession(
            id=row.pk,
            browser=described(row.user_agent),
            address=row.ip,
            since=row.created_at,
            is_current=row.session_key == current_key,
        )
        for row in rows
    )


def count(user: User) -> int:
    """How many sessions of a person still stand."""
    return int(_standing(user).count())


def end(change: Change, user: User, session_id: int) -> bool:
    """End one session of this person; False where it is not theirs, or over already."""
    return bool(_end(change, user, UserSession.objects.filter(user=user, pk=session_id)))


def end_others(change: Change, user: User, current_key: str | None) -> int:
    """End all sessions of a person but the one they are in; how many those were."""
    return _end(change, user, UserSession.objects.filter(user=user).exclude(session_key=current_key))


def follow(before: str | None, after: str | None) -> None:
    """A session got another key: what is known of it stays known."""
    UserSession.objects.filter(session_key=before).update(session_key=after)


def described(user_agent: str) -> str:
    """A browser and its system in words, from what it says about itself: a hint for its owner, never a fact."""
    browser = next((name for name in _BROWSERS if f"{name}/" in user_agent), "")
    system = next((name for name in _SYSTEMS if name in user_agent), "")
    browser, system = _BROWSER_NAMES.get(browser, browser), _SYSTEM_NAMES.get(system, system)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _plain(user_agent) or _("A browser that does not say what it is")


def _plain(user_agent: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "", user_agent)[:40]


def _standing(user: User) -> QuerySet[UserSession]:
    alive = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    rows: QuerySet[UserSession] = UserSession.objects.filter(user=user, session_key__in=alive)
    return rows


def _end(change: Change, user: User, rows: Iterable[UserSession]) -> int:
    keys = [row.session_key for row in rows]
    if not keys:
        return 0
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(session_key__in=keys).delete()
    change.record(SessionsEnded(data=about(user) | {"count": len(keys)}))
    return len(keys)
