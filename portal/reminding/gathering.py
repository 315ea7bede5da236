"""Who has to be told today of what ends: the nearest of five thresholds, once for each thing, end and person.

A letter holds everything one person is told on one day. After a time without workers only the nearest threshold is
told, and an end that was set when it was near already is told once, at the threshold it is past.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction

from partners.endings import Kind, Span, endings
from portal.reminding.models import Audience, Reminder, ReminderLetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from partners.endings import Ending

THRESHOLDS: Final = (1, 7, 14, 30, 60)
"""Days before the end (elevation.md section 8), the nearest first."""
LOCK: Final = 4245
"""Transaction-level advisory lock: who comes while another gathers has nothing to do."""
KEPT_FOR: Final = timedelta(days=180)
"""Beyond every end that a letter can be about, so no row goes that keeps something from being told twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    ending: Ending
    threshold: int
    email: str
    audience: Audience

    @property
    def key(self) -> tuple[str, date, int, str, str]:
        """What makes a reminder the same one."""
        return self.ending.thing, self.ending.ends_on, self.threshold, self.email, self.audience


def gather(now: datetime) -> int:
    """Write today's letters; answers how many. Idempotent: who has a letter of today gets the rest tomorrow."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
            if not (cursor.fetchone() or (False,))[0]:
                return 0
        return _write(_new(tuple(_due(now))), now)


def sweep(now: datetime) -> None:
    """Delete letters whose every end is long past. Idempotent: time decides."""
    ReminderLetter.objects.filter(day__lt=now.date() - KEPT_FOR).delete()


def threshold_of(ends_on: date, today: date) -> int | None:
    """The nearest threshold that is reached; None while the end is far, and when it is over."""
    days = (ends_on - today).days
    return next((threshold for threshold in THRESHOLDS if 0 <= days <= threshold), None)


def _due(now: datetime) -> Iterator[_Due]:
    """A review is our own affair; everything else concerns the partner's people as well."""
    span = Span(now=now, until=now + timedelta(days=max(THRESHOLDS) + 1))
    for ending in endings(span):
        threshold = threshold_of(ending.ends_on, now.date())
        if threshold is None:
            continue
        addresses = {Audience.OWNER: ending.owner}
        if ending.kind is not Kind.REVIEW:
            addresses[Audience.CONTACT] = ending.contact
        for audience, email in addresses.items():
            if email:
                yield _Due(ending=ending, threshold=threshold, email=email.lower(), audience=audience)


def _new(due: tuple[_Due, ...]) -> list[_Due]:
    rows = Reminder.objects.filter(thing__in={one.ending.thing for one in due})
    told = set(rows.values_list("thing", "ends_on", "threshold", "email", "audience"))
    return [one for one in due if one.key not in told]


def _write(new: Iterable[_Due], now: datetime) -> int:
    written = set(ReminderLetter.objects.filter(day=now.date()).values_list("email", "audience"))
    by_person: dict[tuple[str, Audience], list[_Due]] = defaultdict(list)
    for one in new:
        if (one.email, one.audience) not in written:
            by_person[one.email, one.audience].append(one)
    letters = [
        ReminderLetter(email=email, audience=audience, day=now.date(), next_try_at=now) for email, audience in by_person
    ]
    ReminderLetter.objects.bulk_create(letters)
    pairs = zip(letters, by_person.values(), strict=True)
    Reminder.objects.bulk_create(_reminder(letter, one) for letter, due in pairs for one in due)
    return len(letters)


def _reminder(letter: ReminderLetter, due: _Due) -> Reminder:
    ending = due.ending
    return Reminder(
        letter=letter,
        thing=ending.thing,
        kind=ending.kind,
        threshold=due.threshold,
        ends_on=ending.ends_on,
        ends_at=ending.ends_at,
        email=due.email,
        audience=due.audience,
        partner_id=ending.partner_id,
        partner_slug=ending.partner.slug,
        partner_name=ending.partner.name,
        subject=ending.subject[:512],
    )
