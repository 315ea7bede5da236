"""What ends in the next 90 days, of every partner or of one, and who was told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from partners import endings, overviews
from partners.endings import Kind, Place
from portal.filters import as_uuid
from portal.permissions import Permission
from portal.reminding.gathering import THRESHOLDS
from portal.reminding.told import told
from portal.views.doors import needs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from partners.endings import Ending

MAX_SLUG: Final = 63


@needs(Permission.PARTNERS_READ)
@require_GET
def ending(request: HttpRequest) -> HttpResponse:
    """The soonest first, 50 a page. What is overdue comes before everything."""
    now, slug = timezone.now(), request.GET.get("partner", "").replace("\0", "")[:MAX_SLUG]
    partner = next(iter(overviews.ids_of_slug(slug)), None) if slug else None
    after = _place(request.GET.get("after", ""))
    found, has_more = endings.page(now, after, partner_id=partner)
    letters = told(found, now)
    context = {
        "now": now,
        "rows": [(row, row.ends_at - now, letters.get(row.thing, ())) for row in found],
        "slug": slug if partner else "",
        "is_later_page": after is not None,
        "ahead": endings.LOOKED_AHEAD,
        "thresholds": THRESHOLDS[::-1],
        "next": _next(found[-1], slug if partner else "") if has_more else "",
    }
    return render(request, "partners/ending.html", context)


def _next(last: Ending, slug: str) -> str:
    after = f"{last.ends_at.isoformat()} {last.kind} {last.id}"
    return "?" + urlencode({"after": after} | ({"partner": slug} if slug else {}))


def _place(text: str) -> Place | None:
    """Where to go on; what means nothing starts from the top."""
    instant, _space, thing = text.partition(" ")
    kind, _space, row = thing.partition(" ")
    row_id = as_uuid(row)
    try:
        given = datetime.fromisoformat(instant)
        at = given.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if row_id is None or given.tzinfo is None or kind not in set(Kind):
        return None
    return Place(ends_at=at, kind=Kind(kind), id=row_id)
