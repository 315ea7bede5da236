"""A partner's own fields: registered as a draft, and edited without writing over what somebody else wrote meanwhile."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from audit import histories
from partners import profiles, services
from partners.changes import changing
from partners.drafts import compare
from partners.errors import ChangedMeanwhile, ConfigurationError
from partners.particulars import particulars
from partners.readiness import test_of
from partners.states import BEFORE_ACTIVE, ClientState
from portal.filters import as_uuid
from portal.overview.recent import happening
from portal.partner_pages.form_parts import object_to
from portal.partner_pages.forms import PartnerForm
from portal.partner_pages.frame import partner_of, partner_page
from portal.partner_pages.integration import integration, mapping_for
from portal.partner_pages.onboarding_steps import onboarding_steps
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.views.doors import needs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

REVIEWED_AFTER = timedelta(days=365)


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The first step: who it is. From here on it exists, as a draft that exchanges nothing real."""
    if request.method == "GET":
        due = timezone.now().date() + REVIEWED_AFTER
        form = PartnerForm(initial={"owner": request.user.get_username(), "review_due_on": due})
        return render(request, "partners/register.html", {"form": form})
    form = PartnerForm(request.POST)
    if form.is_valid():
        try:
            declared = form.declared()
            with changing(actor_of(request.user)) as change:
                services.register_partner(change, declared)
        except ConfigurationError as error:
            object_to(form, error)
        else:
            return redirect("partners-trust-new", declared.name)
    return render(request, "partners/register.html", {"form": form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Who it is, who answers for it, until when."""
    partner, known = partner_of(slug), particulars(slug)
    if known is None:
        raise Http404(_("No partner is called “%(slug)s”. Look it up in the list of partners.") % {"slug": slug})
    if request.method == "GET":
        declared = known.declared
        initial = {name: getattr(declared, name) for name in PartnerForm.base_fields}
        form = PartnerForm(initial=initial, before=declared)
        return partner_page(request, partner, "summary/edit", {"form": form, "stamp": known.stamp})
    form = PartnerForm(request.POST, before=known.declared)
    context: dict[str, Any] = {"stamp": request.POST.get("stamp", "")}
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if form.is_valid():
        try:
            declared = form.declared()
            with changing(actor_of(request.user)) as change:
                services.change_partner(change, declared, seen=context["stamp"])
        except ChangedMeanwhile as error:
            form.add_error(None, str(error))
            context |= {"stamp": known.stamp, "compared": compare(known.declared, declared)}
            status = HTTPStatus.CONFLICT
        except ConfigurationError as error:
            object_to(form, error)
        else:
            return redirect("partners-summary", slug)
    return partner_page(request, partner, "summary/edit", {"form": form, **context}, status=status)


@needs(Permission.PARTNERS_READ)
@require_GET
def handed_over(request: HttpRequest, slug: str) -> HttpResponse:
    """What the partner's developers need, and whether their first exchange has come."""
    partner = partner_of(slug)
    clients = [client for client in profiles.clients(partner.id) if client.state == ClientState.ACTIVE]
    wanted = next((client for client in clients if client.client_id == request.GET.get("client")), None)
    chosen = wanted or (clients[0] if clients else None)
    context: dict[str, Any] = {
        "clients": clients,
        "integration": integration(chosen, mapping_for(partner, chosen)),
        "is_waiting": partner.state in BEFORE_ACTIVE,
    }
    if context["is_waiting"]:
        context["test"] = test = test_of(partner.id)
        context["onboarding"] = onboarding_steps(partner, is_tried=test is not None)
    return partner_page(request, partner, "integration", context)


@needs(Permission.PARTNERS_READ)
@require_GET
def history(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything that was changed about the partner, newest first."""
    partner = partner_of(slug)
    before, after = as_uuid(request.GET.get("before", "")), as_uuid(request.GET.get("after", ""))
    records, has_more = histories.changes(partner.id, before=before, after=after)
    has_older, has_newer = (True, has_more) if after else (has_more, before is not None)
    context = {
        "records": [(happening(record), record) for record in records],
        "older": f"?before={records[-1].entry.id}" if records and has_older else "",
        "newer": f"?after={records[0].entry.id}" if records and has_newer else "",
    }
    return partner_page(request, partner, "history", context)
