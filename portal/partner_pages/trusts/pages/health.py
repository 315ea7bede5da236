"""The health of one partner's trust: alerts, what is unwise, what its tokens show, and what its issuers publish."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.http import Http404
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from audit.selectors import last_seen
from audit.usage import tokens_seen
from exchange import alerts, watching
from exchange.alerts import AlertKind
from exchange.pictures import pictures
from partners.advice import findings
from partners.changes import changing
from partners.errors import IllegalTransition
from partners.watched import of_partner
from portal.canaries import running
from portal.partner_pages.frame import partner_of, partner_page
from portal.partner_pages.trusts.alert_words import tell
from portal.partner_pages.trusts.health import advice
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.views.doors import needs

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from partners.profiles import Profile

LOOKED_AT: Final = timedelta(days=7)


@needs(Permission.PARTNERS_READ)
@require_GET
def health(request: HttpRequest, slug: str) -> HttpResponse:
    """What somebody should look at, and what it was measured from."""
    return _page(request, partner_of(slug))


@needs(Permission.PARTNERS_READ)
@require_GET
def published(request: HttpRequest, slug: str) -> HttpResponse:
    """What each issuer publishes, as it was seen last, and the first and last day of each key."""
    return _published(request, partner_of(slug))


@needs(Permission.PARTNERS_WRITE)
@require_POST
def acknowledge(request: HttpRequest, slug: str, alert_id: UUID) -> HttpResponse:
    """Say that one has seen an alert. Of two, the second reads who was first."""
    partner = partner_of(slug)
    try:
        with changing(actor_of(request.user)) as change:
            alerts.acknowledge(change, partner.id, alert_id, timezone.now())
    except alerts.AlreadySeen as error:
        return _page(request, partner, problem=str(error), status=HTTPStatus.CONFLICT)
    return redirect("partners-trust-health", slug)


@needs(Permission.PARTNERS_WRITE)
@require_POST
def look(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Look at an issuer now: for who mended something and does not want to wait for the hour."""
    partner = partner_of(slug)
    trust = next((trust for trust in of_partner(partner.id) if trust.name == name), None)
    if trust is None:
        raise Http404(_("The partner has no trust of this name in use. Go back to its page."))
    try:
        watching.look_now(trust.id, timezone.now())
    except IllegalTransition as error:
        return _published(request, partner, problem=str(error), status=HTTPStatus.CONFLICT)
    return redirect("partners-trust-published", slug)


@needs(Permission.PARTNERS_WRITE)
@require_POST
def try_canaries(request: HttpRequest, slug: str) -> HttpResponse:  # noqa: ARG001 - as every view
    """Try the canaries of a partner now."""
    partner = partner_of(slug)
    running.run(partner.id, timezone.now())
    return redirect("partners-trust-health", slug)


def _published(
    request: HttpRequest, partner: Profile, *, problem: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    context = {"pictures": pictures(of_partner(partner.id)), "now": timezone.now(), "problem": problem}
    return partner_page(request, partner, "trust/published", context, status=status)


def _page(
    request: HttpRequest, partner: Profile, *, problem: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    now = timezone.now()
    last = last_seen([partner.id]).get(partner.id)
    seen = tokens_seen(partner.id, since=now - LOOKED_AT)
    told = [tell(alert) for alert in alerts.of_partner(partner.id)]
    alerted = {alert.kind for alert in told if alert.ended_at is None}
    context = {
        "open_alerts": [alert for alert in told if alert.ended_at is None],
        "past_alerts": [alert for alert in told if alert.ended_at is not None],
        "advice": advice(
            findings(partner.id),
            () if AlertKind.CLOCK_AHEAD in alerted else seen,
            None if AlertKind.DORMANT in alerted else last,
            now,
        ),
        "seen": seen,
        "last": last,
        "now": now,
        "canaries": running.of_partner(partner.id),
        "problem": problem,
    }
    return partner_page(request, partner, "trust/health", context, status=status)
