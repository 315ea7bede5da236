"""A partner's client, changed: how it proves who it is, its keys, its platform, limits; first what it would do."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from partners import services, standing
from partners.offers import offers
from policy.parties import ClientAuthentication
from portal.partner_pages.amending import Amendment, amend
from portal.partner_pages.clients import amending, workload_forms
from portal.partner_pages.clients.amending import ClientAmendingForm
from portal.partner_pages.examining import examine_anew
from portal.partner_pages.frame import partner_of, partner_page
from portal.permissions import Permission
from portal.views.doors import needs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PAGE = "clients/edit"


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, slug: str, client_id: str) -> HttpResponse:
    """Change how a client proves who it is, what it may ask for and how much of it."""
    partner = partner_of(slug)
    known = standing.client(partner.id, client_id)
    if known is None:
        raise Http404(_("%(partner)s has no client of this id.") % {"partner": partner.name})
    if request.method == "POST":
        amendment = Amendment(
            tab=PAGE,
            form=ClientAmendingForm(known.declared, request.POST),
            standing=lambda: standing.client(partner.id, client_id),
            save=lambda change, declared, seen: services.change_client(change, declared, seen=seen),
            done="partners-clients",
            otherwise=amending.OTHERWISE,
            look=lambda before, after: {
                "examination": examine_anew(before.workload, after.workload, request.user.pk or UUID(int=0))
            },
        )
        return amend(request, partner, amendment, known)
    initial = amending.initial_of(known.declared)
    if begun := workload_forms.started_from(request.GET.get("platform", "")):
        initial |= begun | {"methods": [ClientAuthentication.WORKLOAD_JWT.value], "place": amending.NOWHERE}
    form = ClientAmendingForm(known.declared, initial=initial)
    context = {"form": form, "known": known, "stamp": known.stamp, "scopes": offers(partner.id).scopes}
    return partner_page(request, partner, PAGE, context)
