"""The partner's side: how far its connection is, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from django.views.decorators.http import require_GET

from partners import profiles
from partners.states import MappingState, TrustState
from portal.partner_side import proposals
from portal.partner_side.pages.door import own_side, side_page
from portal.signing_in.authenticators import Factors

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from portal.partner_side.sides import Side


@own_side
@require_GET
def home(request: HttpRequest, side: Side) -> HttpResponse:
    """The steps of connecting with what is done of each: issuer, clients, what may be asked for, the first exchange."""
    now, partner = timezone.now(), side.partner
    trusts = [trust for trust in profiles.trusts(partner.id) if trust.state != TrustState.WITHDRAWN]
    context = {
        "now": now,
        "trusts": [(trust, trust.source.health(now)) for trust in trusts],
        "is_proved": side.is_proved,
        "domain": side.domain,
        "clients": profiles.clients(partner.id),
        "mappings": [(known.current, known.versions[0].state == MappingState.DRAFT) for known in side.mappings()],
        "proposals": [it for it in proposals.listed(partner.id) if it.is_waiting or it.state == "declined"][:3],
        "has_way_back": side.person.has_usable_password() or bool(Factors(side.person).passkeys),
    }
    return side_page(request, side, "home", context)
