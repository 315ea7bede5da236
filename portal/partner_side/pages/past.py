"""The partner's side on later visits: its own exchanges, what was refused and why, its limits, its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import Http404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from audit import histories
from audit import selectors as trail
from partners.particulars import particulars
from portal.exchange_pages.facts import fact_sheets
from portal.exchange_pages.rows import rows_of
from portal.exchange_pages.traces import trace as decision_trace
from portal.filters import OUTCOMES, as_uuid
from portal.overview.recent import happening
from portal.partner_side import telling
from portal.partner_side.domains import domain_of
from portal.partner_side.pages.door import own_side, side_page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from portal.partner_side.sides import Side


@own_side
@require_GET
def exchanges(request: HttpRequest, side: Side) -> HttpResponse:
    """Their exchanges, newest first, 50 a page; all, or those that ended one way."""
    outcome = request.GET.get("outcome", "")
    wanted = trail.Outcome(outcome) if outcome in set(trail.Outcome) else None
    search = trail.Search(partners=(side.partner.id,), outcome=wanted)
    before, after = (as_uuid(request.GET.get(name, "")) for name in ("before", "after"))
    page = trail.exchanges(search, before=before, after=after)
    chosen = f"outcome={wanted}&" if wanted else ""
    known = particulars(side.partner.slug)
    context = {
        "rows": rows_of(page.entries),
        "outcomes": OUTCOMES.items(),
        "chosen": wanted or "",
        "limits": known.declared if known else None,
        "older": f"?{chosen}before={page.older}" if page.older else "",
        "newer": f"?{chosen}after={page.newer}" if page.newer else "",
    }
    return side_page(request, side, "exchanges", context)


@own_side
@require_GET
def exchange(request: HttpRequest, side: Side, reference: str) -> HttpResponse:
    """One of their exchanges by the reference its caller was given: every step, what was expected, what came."""
    asked = as_uuid(reference)
    if asked is None:
        words = _("“%(text)s” is no reference. A reference looks like 0199e0c4-7c1e-7a40-a940-5b0e1f2391d2.")
        raise Http404(words % {"text": reference})
    record = side.exchange(asked)
    data: dict[str, Any] = record.document.get("data") or {}
    context = {
        "row": rows_of([record.entry])[0],
        "refusal": telling.refusal(record.entry),
        "steps": decision_trace(data.get("steps"), record.entry.reason),
        "sheets": fact_sheets(data),
    }
    return side_page(request, side, "exchanges/one", context)


@own_side
@require_GET
def history(request: HttpRequest, side: Side) -> HttpResponse:
    """What was changed about their partner, newest first, by them and by us."""
    before, after = as_uuid(request.GET.get("before", "")), as_uuid(request.GET.get("after", ""))
    records, has_more = histories.changes(side.partner.id, before=before, after=after)
    has_older, has_newer = (True, has_more) if after else (has_more, before is not None)
    context = {
        "items": [(item := happening(record), _who(side, item.actor)) for record in records],
        "older": f"?before={records[-1].entry.id}" if records and has_older else "",
        "newer": f"?after={records[0].entry.id}" if records and has_newer else "",
    }
    return side_page(request, side, "history", context)


def _who(side: Side, actor: str) -> str:
    """Their own people by address; which of ours it was is told by us alone."""
    return actor if domain_of(actor) == side.domain else str(settings.HANDOVER.environment)
