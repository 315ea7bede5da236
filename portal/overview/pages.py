"""The overview: what the last day brought, what needs attention, and what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from audit import selectors as trail
from audit.tallies import tally_of_all
from exchange import alerts
from partners import overviews
from partners.attention import Concern, attention
from portal.explanations.words import explain
from portal.overview import charts
from portal.overview.figures import Figures, figures, hours_until
from portal.overview.recent import happening
from portal.partner_pages.trusts.alert_words import tell
from portal.permissions import Permission
from portal.views.doors import needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.http import HttpRequest, HttpResponse
    from django.utils.safestring import SafeString

    from partners.attention import Attention
    from portal.partner_pages.trusts.alert_words import Told

ABOUT_KEYS = {Concern.KEYS_ENDED, Concern.KEYS_ENDING, Concern.KEYS_FAILING}
CHANGES = 6
BUSIEST = 6


@needs(Permission.AUDIT_READ)
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Real figures only: every one is counted from the audit trail or from the configuration when the page is made."""
    now = timezone.now()
    hours = hours_until(now)
    counted = tally_of_all(hours, busiest=BUSIEST)
    day = figures(counted.tallies, hours)
    states = overviews.states()
    concerns = attention(now)
    alerted = list(_alerts(concerns))
    context = {
        "now": now,
        "day": day,
        "since": hours[0],
        "chart": _chart(day),
        "reasons": [(reason, explain(reason).title, count) for reason, count in day.reasons],
        "busiest": _busiest(day),
        "partners_seen": counted.partners,
        "partner_states": states,
        "partner_total": sum(states.values()),
        "attention": concerns,
        "alerts": alerted,
        "attention_total": len(concerns) + len(alerted),
        "happenings": [happening(record) for record in trail.recent_changes(size=CHANGES)],
    }
    return render(request, "overview.html", context)


def _alerts(concerns: Iterable[Attention]) -> Iterator[Told]:
    """Alerts that nobody has seen; that an issuer gives no answer is said once, where its keys are about to end."""
    told = {item.partner.slug for item in concerns if item.concern in ABOUT_KEYS}
    for alert in alerts.unseen():
        if alert.kind != alerts.AlertKind.UNREACHABLE or alert.partner.slug not in told:
            yield tell(alert)


def _chart(day: Figures) -> SafeString:
    labels = [f"{hour:%H}:00" for hour in day.hours]
    peak = max(range(len(labels)), key=lambda hour: day.granted[hour])
    sentence = _(
        "Exchanges per hour of the last 24 hours: %(granted)d granted, %(refused)d refused. Most at %(peak)s UTC."
    )
    series = [
        charts.Series(name=_("Granted"), values=day.granted, colour="c1"),
        charts.Series(name=_("Refused"), values=day.refused, colour="c4"),
    ]
    return charts.area(sentence % {**day.totals, "peak": labels[peak]}, labels, series)


def _busiest(day: Figures) -> list[dict[str, Any]]:
    names = overviews.names(entry.partner_id for entry in day.partners[:BUSIEST])
    return [
        {"partner": names[entry.partner_id], "traffic": entry}
        for entry in day.partners[:BUSIEST]
        if entry.partner_id in names
    ]
