"""The health of one partner's trust: what is unwise about its conditions, and what its tokens show."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.views.decorators.http import require_GET

from audit.selectors import last_seen
from audit.usage import tokens_seen
from partners.advice import findings
from portal.partner_pages.trust_health import advice
from portal.permissions import Permission
from portal.views.doors import needs
from portal.views.partner_frame import partner_of, partner_page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

LOOKED_AT: Final = timedelta(days=7)


@needs(Permission.PARTNERS_READ)
@require_GET
def health(request: HttpRequest, slug: str) -> HttpResponse:
    """What somebody should look at, and the tokens of the last week that it was measured from."""
    partner, now = partner_of(slug), timezone.now()
    last = last_seen([partner.id]).get(partner.id)
    seen = tokens_seen(partner.id, since=now - LOOKED_AT)
    context = {"advice": advice(findings(partner.id), seen, last, now), "seen": seen, "last": last, "now": now}
    return partner_page(request, partner, "trust/health", context)
