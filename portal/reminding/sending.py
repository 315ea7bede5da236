"""Sending the letters that wait: each claimed in a transaction of its own before it leaves, so none leaves twice.

What a worker died over stays claimed: whether it left is not known, and the page of what ends says so. What was surely
not taken is tried again for three days, ever more rarely; the next threshold speaks of the same end anyway.
"""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from audit import services as audit
from audit.care_events import ReminderSent
from audit.events import SYSTEM
from portal import mail
from portal.reminding.models import Audience, Reminder, ReminderLetter

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from audit.events import JSON

TRIED_FOR: Final = timedelta(days=3)
FIRST_WAIT: Final = timedelta(minutes=5)
LONGEST_WAIT: Final = timedelta(hours=6)
SECONDS: Final = 20.0
"""How long one wake-up goes on: the same workers have more to do."""


def send_waiting(now: datetime) -> int:
    """Send what waits, the longest waiting first; answers how many left. What fails is put back, and blocks nobody."""
    stop, sent = time.monotonic() + SECONDS, 0
    while time.monotonic() < stop:
        letter = claim(now)
        if letter is None:
            break
        sent += _send(letter, now)
    return sent


def claim(now: datetime) -> ReminderLetter | None:
    """Take one letter that waits; no other worker gets it from here on, whatever happens to this one."""
    with transaction.atomic(durable=True):
        waiting = ReminderLetter.objects.filter(claimed_at=None, next_try_at__lte=now).order_by("next_try_at", "id")
        letter = waiting.select_for_update(skip_locked=True).first()
        if letter is not None:
            letter.claimed_at = now
            letter.save(update_fields=["claimed_at"])
        return letter


def _send(letter: ReminderLetter, now: datetime) -> bool:
    reminders = list(letter.reminders.order_by("ends_at", "partner_name", "id"))
    try:
        _mail(letter, reminders, now)
    except mail.NotTaken as error:
        _put_back(letter, now, type(error.__cause__ or error).__name__)
        return False
    except OSError as error:
        ReminderLetter.objects.filter(pk=letter.pk).update(last_error=type(error).__name__)
        return False
    with transaction.atomic(durable=True):
        ReminderLetter.objects.filter(pk=letter.pk).update(sent_at=now, next_try_at=None, last_error="")
        _record(letter, reminders)
    return True


def _mail(letter: ReminderLetter, reminders: list[Reminder], now: datetime) -> None:
    is_owner = letter.audience == Audience.OWNER
    lines = [
        (reminder, (reminder.ends_on - now.date()).days, _address(reminder, is_owner=is_owner))
        for reminder in reminders
    ]
    first = min((days for _reminder, days, _where in lines), default=0)
    subject = _("%(environment)s: %(count)d ending soon, the first in %(days)d days") % {
        "environment": settings.HANDOVER.environment,
        "count": len(lines),
        "days": max(first, 0),
    }
    context = {"lines": lines, "is_owner": is_owner, "environment": settings.HANDOVER.environment}
    host = urlsplit(settings.HANDOVER.issuer).hostname or "handover"
    marks = {"Message-ID": f"<{letter.id}@{host}>", "Auto-Submitted": "auto-generated"}  # RFC 3834: nobody answers
    mail.send(letter.email, subject, "reminders", context, headers=marks)


def _address(reminder: Reminder, *, is_owner: bool) -> str:
    if not is_owner:
        return ""
    return settings.HANDOVER.issuer + reverse("partners-summary", args=[reminder.partner_slug])


def _put_back(letter: ReminderLetter, now: datetime, why: str) -> None:
    failures = letter.failures + 1
    is_over = now.date() - letter.day >= TRIED_FOR
    wait = min(FIRST_WAIT * 2 ** min(failures - 1, 10), LONGEST_WAIT)
    ReminderLetter.objects.filter(pk=letter.pk).update(
        claimed_at=None,
        failures=failures,
        last_error=why[:200],
        next_try_at=None if is_over else now + wait,
    )


def _record(letter: ReminderLetter, reminders: list[Reminder]) -> None:
    """One event for each partner the letter spoke of."""
    by_partner: dict[tuple[UUID, str], list[Reminder]] = defaultdict(list)
    for reminder in reminders:
        by_partner[reminder.partner_id, reminder.partner_slug].append(reminder)
    for (partner_id, slug), told in by_partner.items():
        told_of: list[JSON] = [
            {"kind": one.kind, "subject": one.subject, "ends_on": one.ends_on.isoformat(), "days": one.threshold}
            for one in told
        ]
        data: dict[str, JSON] = {"email": letter.email, "audience": letter.audience, "endings": told_of}
        audit.record(ReminderSent(partner_id=partner_id, partner=slug, data=data), SYSTEM)
