"""Golden tokens: kept from the simulator, listed, tried again, renamed and deleted."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from exchange import golden, golden_lists
from exchange.golden_forms import question_from
from exchange.supposing import Typed
from partners.changes import changing
from partners.errors import ConfigurationError
from portal.filters import as_uuid
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.simulator import simulations
from portal.simulator.form import SimulatorForm
from portal.simulator.pages.bench import bench
from portal.views.doors import needs

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from exchange.golden_lists import Case


@needs(Permission.EXCHANGES_READ)
@require_GET
def cases(request: HttpRequest) -> HttpResponse:
    """All golden tokens, or those of one partner, newest first."""
    partner = request.GET.get("partner", "")[:63]
    found = golden_lists.page(partner=partner, before=as_uuid(request.GET.get("before", "")))
    older = f"?before={found.older}" + (f"&partner={partner}" if partner else "") if found.older else ""
    return render(request, "simulator/cases.html", {"page": found, "older": older, "partner": partner})


@needs(Permission.EXCHANGES_READ)
@require_GET
def case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """One golden token: the end it must come to, and the line it runs through now."""
    return _page(request, _case(case_id))


@needs(Permission.PARTNERS_WRITE)
@sensitive_post_parameters("token", "actor_token")
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep what the simulator was asked, with the end it came to."""
    form = SimulatorForm(request.POST)
    if not form.is_valid():
        return bench(request, form, draft=form.draft_id, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    question, as_if_active = form.question(), form.cleaned_data["as_if_active"]
    answer, ground = simulations.run(question, draft=None, as_if_active=as_if_active)
    try:
        kept = simulations.kept_of(question, answer, ground, as_if_active=as_if_active)
        with changing(actor_of(request.user)) as change:
            case = golden.keep(change, kept, request.POST.get("name", ""))
    except ConfigurationError as error:
        form.add_error(None, str(error))
        told = simulations.told(answer, is_typed=isinstance(question.subject, Typed))
        return bench(request, form, draft=form.draft_id, told=told, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return redirect("simulator-case", case.id)


@needs(Permission.EXCHANGES_READ)
@require_POST
def run(request: HttpRequest, case_id: UUID) -> HttpResponse:  # noqa: ARG001 - the signature of a view
    """Try it again, now."""
    _case(case_id)
    golden.run_one(case_id)
    return redirect("simulator-case", case_id)


@needs(Permission.PARTNERS_WRITE)
@require_POST
def rename(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Another name for it."""
    known, name = _case(case_id), request.POST.get("name", "")
    try:
        with changing(actor_of(request.user)) as change:
            golden.rename(change, case_id, name)
    except ConfigurationError as error:
        return _page(request, known, status=HTTPStatus.UNPROCESSABLE_ENTITY, name=name, name_error=str(error))
    return redirect("simulator-case", case_id)


@needs(Permission.PARTNERS_WRITE)
@require_POST
def delete(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """It is tried no more."""
    known = _case(case_id)
    try:
        with changing(actor_of(request.user)) as change:
            golden.delete(change, case_id)
    except ConfigurationError as error:
        raise Http404(str(error)) from error
    return redirect(f"{reverse('simulator-cases')}?partner={known.slug}")


def _case(case_id: UUID) -> Case:
    found = golden_lists.case(case_id)
    if found is None:
        raise Http404(_("No golden token is at this address. Somebody may have deleted it; the list has the others."))
    return found


def _page(
    request: HttpRequest, known: Case, *, status: HTTPStatus = HTTPStatus.OK, name: str = "", name_error: str = ""
) -> HttpResponse:
    question = question_from(known.question)
    answer, _ground = simulations.run(question, draft=None, as_if_active=known.question["as_if_active"])
    context: dict[str, Any] = {
        "case": known,
        "told": simulations.told(answer, is_typed=True),
        "name": name or known.name,
        "name_error": name_error,
        "subject": known.question["subject"],
    }
    return render(request, "simulator/case.html", context, status=status)
