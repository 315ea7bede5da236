"""The list of partners, and one partner: summary, trust, clients, mappings and activity. Read only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.http import Http404
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from audit import selectors as trail
from partners import overviews, profiles
from partners.states import PartnerState
from portal.exchange_rows import rows_of
from portal.figures import figures, hours_until
from portal.filters import PartnerFilter
from portal.permissions import Permission
from portal.views.doors import needs
from portal.views.fragments import render_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrPromise

    from partners.profiles import Profile

STATES: Final[Mapping[PartnerState, _StrPromise]] = {
    PartnerState.ACTIVE: gettext_lazy("Active"),
    PartnerState.DRAFT: gettext_lazy("Draft"),
    PartnerState.INVITED: gettext_lazy("Invited"),
    PartnerState.CONFIGURING: gettext_lazy("Configuring"),
    PartnerState.TESTED: gettext_lazy("Tested"),
    PartnerState.SUSPENDED: gettext_lazy("Suspended"),
    PartnerState.OFFBOARDED: gettext_lazy("Offboarded"),
}
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
    traffic = {entry.partner_id: entry for entry in figures(trail.tally(hours[0], hours, partners=ids), hours).partners}
    seen = trail.last_seen(ids)
    context = {
        "now": now,
        "chosen": chosen,
        "page": page,
        "states": STATES.items(),
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
    partner, now = _partner(slug), timezone.now()
    hours = hours_until(now)
    day = figures(trail.tally(hours[0], hours, partners=[partner.id]), hours)
    recent = trail.exchanges(trail.Search(partners=(partner.id,)), size=RECENT)
    context = {"day": day, "trusts": profiles.trusts(partner.id), "now": now, "rows": rows_of(recent.entries)}
    return _page(request, partner, "summary", context)


@needs(Permission.PARTNERS_READ)
@require_GET
def trust(request: HttpRequest, slug: str) -> HttpResponse:
    """Whose tokens are accepted for this partner, under which conditions, and with which keys."""
    partner, now = _partner(slug), timezone.now()
    described = [(entry, entry.source.health(now)) for entry in profiles.trusts(partner.id)]
    return _page(request, partner, "trust", {"trusts": described, "now": now})


@needs(Permission.PARTNERS_READ)
@require_GET
def clients(request: HttpRequest, slug: str) -> HttpResponse:
    """The partner's clients: how they authenticate, what they may ask for. Never a secret."""
    partner, now = _partner(slug), timezone.now()
    return _page(request, partner, "clients", {"clients": profiles.clients(partner.id), "now": now})


@needs(Permission.PARTNERS_READ)
@require_GET
def mappings(request: HttpRequest, slug: str) -> HttpResponse:
    """What a token of the partner can become, with every version that was ever published."""
    partner = _partner(slug)
    return _page(request, partner, "mappings", {"mappings": profiles.mappings(partner.id)})


@needs(Permission.PARTNERS_READ)
@require_GET
def activity(request: HttpRequest, slug: str) -> HttpResponse:
    """The partner's latest exchanges."""
    partner = _partner(slug)
    found = trail.exchanges(trail.Search(partners=(partner.id,)))
    return _page(request, partner, "activity", {"rows": rows_of(found.entries), "has_more": found.older is not None})


def _partner(slug: str) -> Profile:
    partner = profiles.profile(slug)
    if partner is None:
        raise Http404(_("No partner is called “%(slug)s”. Look it up in the list of partners.") % {"slug": slug})
    return partner


def _page(request: HttpRequest, partner: Profile, tab: str, context: Mapping[str, Any]) -> HttpResponse:
    tabs = (
        ("summary", _("Summary"), None),
        ("trust", _("Trust"), partner.trusts),
        ("clients", _("Clients"), partner.clients),
        ("mappings", _("Mappings"), partner.mappings),
        ("activity", _("Activity"), None),
    )
    state = STATES.get(PartnerState(partner.state), partner.state)
    shared = {"partner": partner, "state_word": state, "tabs": tabs, "tab": tab}
    return render(request, f"partners/{tab}.html", {**shared, **context})
