"""A time of one's own, from one moment to another, as it is typed into an address: both ends, or what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from portal.filters import ExchangeFilter


def ends_of(chosen: ExchangeFilter, now: datetime) -> tuple[datetime | None, datetime | None, str]:
    """Where the time starts and ends, None for an open end; and in words why it cannot be looked at, else empty."""
    ends = []
    for text in (chosen.start, chosen.end):
        try:
            ends.append(_instant(text) if text else None)
        except ValueError:
            words = _("“%(text)s” is not a date with a time. Write it like %(example)s, in UTC.")
            return None, None, words % {"text": text, "example": f"{now:%Y-%m-%dT%H:%M}"}
    start, end = ends
    if start and end and start >= end:
        words = _("The time ends at %(end)s, before it starts at %(start)s. Exchange the two, or leave one empty.")
        return None, None, words % {"start": chosen.start, "end": chosen.end}
    if start and start > now:
        words = _("%(start)s is yet to come, so nothing has happened since. Choose an earlier start.")
        return None, None, words % {"start": chosen.start}
    return start, end, ""


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
