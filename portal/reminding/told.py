"""What was said so far about ends that are ahead: the latest letter about each thing, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from portal.reminding.models import Reminder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from partners.endings import Ending
    from portal.reminding.models import ReminderLetter

SENDING: Final = timedelta(minutes=10)
"""Longer than any sending takes: a letter that was claimed before that was cut off."""


class Fate(StrEnum):
    """What became of a letter. ``UNKNOWN``: it was cut off while it was being sent, and is not sent again."""

    SENT = "sent"
    WAITING = "waiting"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """That somebody was told of an end, on which day, and whether it left."""

    email: str
    day: date
    fate: Fate


def told(endings: Iterable[Ending], now: datetime) -> dict[str, tuple[Told, ...]]:
    """By thing: the latest letter to each person about the end that it has now. One query."""
    ends = {ending.thing: ending.ends_on for ending in endings}
    rows = Reminder.objects.filter(thing__in=ends).select_related("letter").order_by("letter__day", "id")
    found: dict[str, dict[str, Told]] = {}
    for row in rows:
        if row.ends_on == ends[row.thing]:
            one = Told(email=row.email, day=row.letter.day, fate=_fate(row.letter, now))
            found.setdefault(row.thing, {})[row.email] = one
    return {thing: tuple(people.values()) for thing, people in found.items()}


def _fate(letter: ReminderLetter, now: datetime) -> Fate:
    if letter.sent_at is not None:
        return Fate.SENT
    if letter.claimed_at is not None:
        return Fate.UNKNOWN if letter.last_error or letter.claimed_at < now - SENDING else Fate.WAITING
    return Fate.FAILED if letter.next_try_at is None else Fate.WAITING
