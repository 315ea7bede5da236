"""The simulator: what the token endpoint would answer, step by step. Nothing is spent, recorded, signed or kept."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from rest_framework.response import Response

from partners import excerpts, profiles
from partners.errors import Problem
from portal.api.endpoint import Endpoint, body_of
from portal.api.exchanges import record_of
from portal.api.problems import ApiError, wrong_fields
from portal.api.reading import read
from portal.api.tries import AGAIN, TRY
from portal.explanations.menders import mender_of
from portal.permissions import Permission
from portal.simulator import simulations

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request

    from exchange.simulation import Answer, Question
    from portal.exchange_pages.traces import TraceStep
    from portal.simulator.simulations import Told


class Simulations(Endpoint):
    """A request to the token endpoint, tried. Nothing of it is kept, so the same call sent again tries it again."""

    needs = {"POST": Permission.EXCHANGES_READ}
    shape, bodies, only_asks = "Simulation", {"POST": "Try"}, True

    def post(self, request: Request) -> Response:
        """Try a request."""
        wanted = read(TRY, body_of(request))
        question = wanted.question()
        _require_draft(wanted.draft)
        simulations.fetch_first_keys(profiles.profile(wanted.partner) if wanted.partner else None)
        answer, _ground = simulations.run(question, draft=wanted.draft, as_if_active=wanted.as_if_active)
        return Response(shown(question, simulations.told(answer, is_typed=wanted.is_typed)))


class Again(Endpoint):
    """A recorded exchange, tried again from what its event keeps: its claims were verified then, and are typed now."""

    needs = {"POST": Permission.EXCHANGES_READ}
    shape, bodies, only_asks = "Simulation", {"POST": "TryAgain"}, True

    def post(self, request: Request, reference: UUID) -> Response:
        """Try an exchange again."""
        wanted, record = read(AGAIN, body_of(request)), record_of(reference)
        _require_draft(wanted.draft)
        try:
            question = simulations.question_of(record)
        except ValueError as error:
            raise ApiError(HTTPStatus.CONFLICT, "nothing_to_try", str(error)) from error
        answer, _ground = simulations.run(question, draft=wanted.draft, as_if_active=wanted.as_if_active)
        return Response(shown(question, simulations.told(answer, is_typed=question.subject is not None)))


def _require_draft(draft: UUID | None) -> None:
    """Raises ``ApiError`` where a draft is named that is none, or none any more."""
    if draft is not None and excerpts.draft(draft) is None:
        raise wrong_fields((Problem(path=("draft",), expected="the id of a draft of a mapping"),))


def shown(question: Question, told: Told) -> dict[str, Any]:
    """What became of a try, in words and values."""
    answer = told.answer
    return {
        "outcome": answer.outcome.value,
        "at": question.at,
        "partner": answer.partner or None,
        "trust": answer.trust or None,
        "mappings": [{"name": mapping.name, "version": mapping.version} for mapping in answer.mappings],
        "scope": list(answer.scope),
        "claims": dict(answer.claims) or None,
        "is_typed": told.is_typed,
        "refusal": _refusal(answer, told),
        "steps": [_step(step) for step in told.steps],
    }


def _refusal(answer: Answer, told: Told) -> dict[str, Any] | None:
    """Why it would be refused, what the caller would hear of it, and whose turn it is."""
    if answer.reason is None or told.explanation is None:
        return None
    status, _space, error = told.wire.partition(" ")
    return {
        "reason": answer.reason.value,
        "status": int(status),
        "error": error,
        "title": str(told.explanation.title),
        "why": str(told.explanation.why),
        "remedy": str(told.explanation.remedy),
        "whose_turn": mender_of(answer.reason).side.value,
    }


def _step(step: TraceStep) -> dict[str, Any]:
    return {
        "rule": step.rule,
        "title": str(step.title),
        "state": step.state.value,
        "expected": step.expected,
        "received": step.received,
        "kept": list(step.kept),
        "cut": list(step.cut),
    }
