"""The partner's side: an exchange tried with a token of its own, and what became of its newest real one."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit import selectors as trail
from exchange import jwks
from exchange.protocol.request import TOKEN_EXCHANGE
from exchange.simulation import Question
from partners import key_sources, profiles, services
from partners.changes import changing
from partners.errors import ConfigurationError
from partners.readiness import test_of
from partners.states import BEFORE_ACTIVE, ClientState, PartnerState
from policy.tokens import TokenType
from portal.partner_pages.integration import integration
from portal.partner_side import telling
from portal.partner_side.forms import TryForm
from portal.partner_side.pages.door import own_side, side_page
from portal.people.events import actor_of
from portal.simulator import simulations

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from partners.profiles import MappingVersion
    from portal.partner_side.sides import Side


@own_side
@sensitive_post_parameters("token")
@require_http_methods(["GET", "POST"])
def attempt(request: HttpRequest, side: Side) -> HttpResponse:
    """Try an exchange with a token of theirs, and see what became of the newest real one."""
    mappings = [known.current for known in side.mappings() if known.current is not None]
    clients = [client for client in profiles.clients(side.partner.id) if client.state == ClientState.ACTIVE]
    audiences = tuple(dict.fromkeys(mapping.audience for mapping in mappings))
    names = tuple(client.client_id for client in clients)
    asked = request.POST.get("client") or request.GET.get("client", "")
    chosen = next((client for client in clients if client.client_id == asked), clients[0] if clients else None)
    context: dict[str, Any] = {
        "clients": names,
        "audiences": audiences,
        "integration": integration(chosen, next((m for m in mappings if _is_for(m, chosen)), None)),
    }
    if request.method == "GET":
        form = TryForm(clients=names, audiences=audiences, initial={"client": asked})
        return side_page(request, side, "try", {**context, "form": form})
    form = TryForm(request.POST, clients=names, audiences=audiences)
    if not form.is_valid():
        if asked and asked not in names:
            side.client(asked)  # another partner's is 404 and an event, one of theirs that is suspended is told so
        return side_page(request, side, "try", {**context, "form": form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    for source in key_sources.never_fetched(side.partner.id):
        jwks.refresh(source, is_scheduled=True)  # as the endpoint would, for the first token of an issuer
    answer, _ground = simulations.run(_question(form), draft=None, as_if_active=False)
    again = TryForm(clients=names, audiences=audiences, initial={**form.cleaned_data, "token": ""})
    return side_page(request, side, "try", {**context, "form": again, "told": telling.told(answer)})


@own_side
@require_GET
def newest(request: HttpRequest, side: Side) -> HttpResponse:
    """What became of the newest exchange, by itself: the page that tries asks for it again and again."""
    return side_page(request, side, "newest", _newest(side))


@own_side
@require_POST
def hand_over(request: HttpRequest, side: Side) -> HttpResponse:
    """Say that it is tested: a real exchange of a token of theirs is the proof, and a person of ours activates then."""
    try:
        with changing(actor_of(request.user)) as change:
            services.pass_test(change, side.partner.slug)
    except ConfigurationError as error:
        context = {**_newest(side), "complaint": str(error)}
        return side_page(request, side, "newest", context, status=HTTPStatus.CONFLICT)
    return redirect("connect")


def _is_for(mapping: MappingVersion, client: Any) -> bool:  # noqa: ANN401 - a client or none
    return mapping.clients is None or (client is not None and client.client_id in mapping.clients)


def _newest(side: Side) -> dict[str, Any]:
    """The newest exchange with why it was refused, and before activation whether the test has come."""
    page = trail.exchanges(trail.Search(partners=(side.partner.id,)), size=1)
    entry = next(iter(page.entries), None)
    shown: dict[str, Any] = {"entry": entry, "is_before": side.partner.state in BEFORE_ACTIVE}
    shown["refusal"] = telling.refusal(entry) if entry is not None else None
    if side.partner.state == PartnerState.CONFIGURING:
        shown["test"] = test_of(side.partner.id)
    return shown


def _question(form: TryForm) -> Question:
    data = form.cleaned_data
    parameters: dict[str, tuple[str, ...]] = {
        "audience": (data["audience"],),
        "subject_token_type": (TokenType.ACCESS_TOKEN.value,),
    }
    if data["scope"]:
        parameters["scope"] = (" ".join(data["scope"].split()),)
    return Question(
        client_id=data["client"],
        grant_type=TOKEN_EXCHANGE,
        at=timezone.now(),
        parameters=parameters,
        subject=form.raw,
    )
