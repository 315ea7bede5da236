"""The list of partners, and one partner: its summary and its activity. Reading only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.views.decorators.http import require_GET

from audit import selectors as trail
from audit import tallies
from partners import overviews, profiles
from portal.exchange_pages.rows import rows_of
from portal.filters import PartnerFilter
from portal.overview.figures import figures, hours_until
from portal.partner_pages.bulk import LABELS, MOST
from portal.partner_pages.frame import STATES, partner_of, partner_page
from portal.permissions import Permission
from portal.views.doors import needs
from portal.views.fragments import render_part

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

RECENT: Final = 10


@needs(Permission.PARTNERS_READ)
@require_GET
def partners(request: HttpRequest) -> HttpResponse:
    """Partners by name, 50 a page."""
    now = timezone.now()
    chosen = PartnerFilter.read(request.GET, STATES)
    wanted = overviews.Wanted(text=chosen.q, state=chosen.state, descending=chosen.order == "-name")
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    page = overviews.partners(wanted, now=now, after=after, before=before)
    ids = [entry.id for entry in page.entries]
    hours = hours_until(now)
    traffic = {entry.partner_id: entry for entry in figures(tallies.totals(hours, partners=ids), hours).partners}
    seen = trail.last_seen(ids)
    context = {
        "now": now,
        "chosen": chosen,
        "page": page,
        "states": STATES.items(),
        "bulk_acts": LABELS.items(),
        "matching": len(overviews.slugs(wanted, most=MOST + 1)),
        "most": MOST,
        "rows": [(entry, traffic.get(entry.id), seen.get(entry.id)) for entry in page.entries],
        "is_narrowed": bool(chosen.q or chosen.state),
        "older": chosen.query(after=page.next) if page.next else "",
        "newer": chosen.query(before=page.previous) if page.previous else "",
    }
    return render_part(request, "partners/list.html", "partners/_list.html", context)


@needs(Permission.PARTNERS_READ)
@require_GET
def summary(request: HttpRequest, slug: str) -> HttpResponse:
    """Who the partner is, and how its last day went."""
    partner, now = partner_of(slug), timezone.now()
    hours = hours_until(now)
    day = figures(tallies.tally(hours, partners=[partner.id]), hours)
    recent = trail.exchanges(trail.Search(partners=(partner.id,)), size=RECENT)
    context = {"day": day, "trusts": profiles.trusts(partner.id), "now": now, "rows": rows_of(recent.entries)}
    return partner_page(request, partner, "summary", context)


@needs(Permission.PARTNERS_READ)
@require_GET
def activity(request: HttpRequest, slug: str) -> HttpResponse:
    """The partner's latest exchanges."""
    partner = partner_of(slug)
    found = trail.exchanges(trail.Search(partners=(partner.id,)))
    return partner_page(
        request, partner, "activity", {"rows": rows_of(found.entries), "has_more": found.older is not None}
    )
