"""The simulator: what the token endpoint would answer, step by step, and why. Nothing is spent, recorded or kept."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.core.validators import slug_re
from django.http import Http404
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from audit import selectors as trail
from exchange import golden_lists
from exchange.golden_forms import question_from
from exchange.supposing import Typed
from partners import excerpts, overviews, profiles
from portal.filters import as_uuid
from portal.permissions import Permission
from portal.simulator import simulations
from portal.simulator.form import SimulatorForm, initial_of
from portal.views.doors import needs
from portal.views.fragments import render_part, wants_part

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from partners.profiles import Profile


FILLED: Final = ("client", "draft", "audience", "scope", "partner")
LONGEST_FILLED: Final = 1024


@needs(Permission.EXCHANGES_READ)
@sensitive_post_parameters("token", "actor_token")
@require_http_methods(["GET", "POST"])
def simulator(request: HttpRequest) -> HttpResponse:
    """The form; and below it what became of what was tried."""
    if request.method == "GET":
        return bench(request, SimulatorForm(initial=_asked_for(request)), draft=as_uuid(request.GET.get("draft", "")))
    form = SimulatorForm(request.POST)
    if not form.is_valid():
        return bench(request, form, draft=form.draft_id, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    question = form.question()
    as_if_active = form.cleaned_data["as_if_active"]
    simulations.fetch_first_keys(_registering(form))
    answer, ground = simulations.run(question, draft=form.draft_id, as_if_active=as_if_active)
    kept = {**initial_of(simulations.as_typed(question, answer)), "as_if_active": as_if_active}
    kept |= {"draft": form.draft_id, "partner": form.cleaned_data["partner"]}
    if not form.cleaned_data["at"]:
        kept["at"] = ""
    told = simulations.told(answer, is_typed=isinstance(question.subject, Typed))
    audiences = tuple(sorted({target.audience for target in ground.targets.values()}))
    return bench(request, SimulatorForm(initial=kept), draft=form.draft_id, told=told, audiences=audiences)


def _asked_for(request: HttpRequest) -> dict[str, Any]:
    """What the address fills in: an exchange to try again, or a client."""
    reference = as_uuid(request.GET.get("exchange", ""))
    shown: dict[str, Any] = {name: request.GET.get(name, "")[:LONGEST_FILLED] for name in FILLED}
    case = as_uuid(request.GET.get("case", ""))
    if case is not None and (known := golden_lists.case(case)) is not None:
        return {**initial_of(question_from(known.question)), "as_if_active": known.question["as_if_active"]}
    if reference is None:
        return shown
    records = [record for record in trail.events_of(reference) if record.entry.kind in trail.EXCHANGE_KINDS]
    if not records:
        raise Http404(_("No exchange has the reference %(text)s, so it cannot be tried again.") % {"text": reference})
    try:
        return {**shown, **initial_of(simulations.question_of(records[0]))}
    except ValueError as error:
        raise Http404(str(error)) from error


def _registering(form: SimulatorForm) -> Profile | None:
    """The partner whose registration led here, so that there is a way back."""
    slug = str(form["partner"].value() or "")
    return profiles.profile(slug) if slug_re.match(slug) else None


def bench(
    request: HttpRequest,
    form: SimulatorForm,
    *,
    draft: UUID | None,
    told: simulations.Told | None = None,
    audiences: tuple[str, ...] = (),
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """The page, or for a swap the form and the answer below it."""
    context: dict[str, Any] = {"form": form, "told": told, "draft": excerpts.draft(draft) if draft else None}
    context["registering"] = _registering(form)
    if not wants_part(request):
        context |= {"targets": audiences or overviews.suggestions()[1]}
    response = render_part(request, "simulator/simulator.html", "simulator/_bench.html", context)
    response.status_code = status
    return response
