"""Try a token: the step of registering done when a token of the partner was exchanged for a test target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.views.decorators.http import require_GET

from audit import selectors as trail
from partners.readiness import test_of
from partners.states import BEFORE_ACTIVE
from partners.trying import trying
from portal.exchange_pages.rows import rows_of
from portal.partner_pages.frame import partner_of, partner_page
from portal.partner_pages.onboarding_steps import onboarding_steps
from portal.partner_pages.trying import needs as needed
from portal.partner_pages.trying import ways
from portal.permissions import Permission
from portal.views.doors import needs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

LATEST: Final = 5


@needs(Permission.PARTNERS_READ)
@require_GET
def tried(request: HttpRequest, slug: str) -> HttpResponse:
    """What is missing for a test exchange, where to try one, and whether it has come."""
    partner = partner_of(slug)
    found = trying(partner.id)
    is_open = partner.state in BEFORE_ACTIVE
    test = test_of(partner.id) if is_open else None
    latest = trail.exchanges(trail.Search(partners=(partner.id,)), size=LATEST).entries if test is None else ()
    context: dict[str, Any] = {
        "is_open": is_open,
        "test": test,
        "needs": needed(slug, found),
        "ways": ways(slug, found),
        "rows": rows_of(latest),
        "onboarding": onboarding_steps(partner, is_tried=test is not None),
    }
    return partner_page(request, partner, "try", context)
