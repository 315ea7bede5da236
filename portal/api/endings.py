"""What ends next: client secrets, authorities of certificates, contracts, reviews; and who was told of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.utils import timezone

from partners import endings
from partners.endings import Kind, Place, Span
from portal.api import queries
from portal.api.endpoint import Endpoint
from portal.api.parties import party
from portal.permissions import Permission
from portal.reminding.told import told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.endings import Ending
    from portal.reminding.told import Told

_EARLIEST, _LATEST = 1970, 9000


def _day(text: str) -> date:
    found = date.fromisoformat(text)
    if len(text) != len("2026-03-31") or not _EARLIEST <= found.year <= _LATEST:
        raise ValueError(text)
    return found


_UNTIL: Final = queries.Parameter(
    name="until",
    description="What ends on this day (UTC) or before; left out, what ends within 90 days.",
    expected="a day such as 2027-03-31",
    read=_day,
    schema={"type": "string", "format": "date"},
)


class Endings(Endpoint):
    """What ends, of all partners, the soonest first; what is overdue comes before everything."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_list = "Ending", True
    parameters = (
        *queries.LIST,
        queries.text("partner", "What is this partner's only, by its name."),
        queries.word("kind", Kind, "Things of this kind only."),
        _UNTIL,
    )

    def get(self, request: Request) -> Response:
        """List what ends next."""
        now, given, window = timezone.now(), self.given, queries.window(request, self.given)
        span = Span(
            now=now,
            until=_end_of(given["until"]) if "until" in given else now + endings.LOOKED_AHEAD,
            partner_id=party(given["partner"]).id if "partner" in given else None,
            kind=Kind(given["kind"]) if "kind" in given else None,
            after=_place(window.after) if window.after else None,
            limit=window.size + 1,
        )
        found = endings.endings(span)
        fitting, letters = found[: window.size], told(found, now)
        following = _written(fitting[-1].place) if len(found) > window.size else ""
        return queries.page(request, [_shown(item, letters) for item in fitting], following)


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, UTC) - timedelta(microseconds=1)


def _written(place: Place) -> str:
    return f"{place.ends_at.isoformat()} {place.kind} {place.id}"


def _place(text: str) -> Place:
    """Where the list goes on, as we wrote it and signed it."""
    instant, kind, row = text.split(" ")
    return Place(ends_at=datetime.fromisoformat(instant), kind=Kind(kind), id=UUID(row))


def _shown(ending: Ending, letters: Mapping[str, Iterable[Told]]) -> dict[str, Any]:
    return {
        "id": ending.thing,
        "kind": ending.kind,
        "partner": ending.partner.slug,
        "subject": ending.subject,
        "ends_at": ending.ends_at,
        "contact": ending.contact or None,
        "owner": ending.owner or None,
        "told": [{"email": one.email, "day": one.day, "fate": one.fate} for one in letters.get(ending.thing, ())],
    }
