"""What the simulator's answer looks like on its page: the whole line, whose turn it is, and the claims."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils.translation import gettext as _

from exchange import golden, jwks
from exchange.golden_forms import Kept, read_by
from exchange.ground import ground_of
from exchange.protocol.errors import WIRE
from exchange.protocol.request import TOKEN_EXCHANGE
from exchange.simulating import simulate
from exchange.simulation import Answer, Question
from exchange.supposing import Typed
from partners import key_sources
from partners.states import BEFORE_ACTIVE
from policy.claim_rules import Verdict
from policy.reasons import Rule
from portal.exchange_pages.traces import StepState, trace
from portal.explanations.menders import SIDES, mender_of
from portal.explanations.words import explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from django.utils.functional import _StrPromise

    from audit.selectors import Record
    from exchange.registry import Registry
    from exchange.verifying import PresentedToken
    from partners.profiles import Profile
    from portal.exchange_pages.traces import TraceStep
    from portal.explanations.explanation import Explanation

MOST_FETCHED: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer in words. ``address`` is the page on which it is looked into, empty where that is unknown."""

    answer: Answer
    steps: tuple[TraceStep, ...]
    explanation: Explanation | None
    side: _StrPromise | str
    address: str
    wire: str
    is_typed: bool


def run(question: Question, *, draft: UUID | None, as_if_active: bool) -> tuple[Answer, Registry]:
    """Try it under the configuration as it is now, or as it would be."""
    ground = ground_of([question], draft=draft, as_if_active=as_if_active)
    return simulate(question, ground), ground


def fetch_first_keys(registering: Profile | None) -> None:
    """A partner that is being registered may have keys that nobody saw yet: fetched, as for its first real token."""
    if registering is not None and registering.state in BEFORE_ACTIVE:
        for source in key_sources.never_fetched(registering.id)[:MOST_FETCHED]:
            jwks.refresh(source, is_scheduled=True)


def told(answer: Answer, *, is_typed: bool) -> Told:
    """The answer as the page shows it."""
    reason = answer.reason
    mender = None if reason is None else mender_of(reason)
    return Told(
        answer=answer,
        steps=line_of(answer),
        explanation=None if reason is None else explain(reason),
        side="" if mender is None else SIDES[mender.side],
        address=reverse(mender.place, args=[answer.partner]) if mender is not None and answer.partner else "",
        wire="" if reason is None else f"{WIRE[reason].status} {WIRE[reason].error}",
        is_typed=is_typed,
    )


def line_of(answer: Answer) -> tuple[TraceStep, ...]:
    """Every step in order. Nothing is recorded, so the last one is never reached."""
    steps = trace([[str(part) for part in step] for step in answer.steps], answer.reason or "")
    return tuple(replace(step, state=StepState.NOT_REACHED) if step.rule == Rule.RECORD else step for step in steps)


def stopping_step(answer: Answer) -> str:
    """The step that ended the line; empty where none did."""
    stops = {Verdict.REFUSED, Verdict.FAULT}
    return next((str(step.rule) for step in answer.steps if step.verdict in stops), "")


def as_typed(question: Question, answer: Answer) -> Question:
    """The same question with its pasted tokens as their header and claims: what may be shown and kept."""
    return replace(
        question,
        subject=_read(answer.subject) or _typed(question.subject),
        actor=_read(answer.actor) or _typed(question.actor),
    )


def _read(presented: PresentedToken | None) -> Typed | None:
    """A token that could be taken apart, as what it says."""
    if presented is None:
        return None
    return Typed(header=dict(presented.jws.unverified_header), claims=dict(presented.jws.unverified_claims))


def _typed(token: object) -> Typed | None:
    return token if isinstance(token, Typed) else None


def kept_of(question: Question, answer: Answer, ground: Registry, *, as_if_active: bool) -> Kept:
    """What may be kept of a try as a golden token. Raises ``CaseRefused`` where no partner is concerned."""
    registered = ground.client(question.client_id)
    partner = None if registered is None else registered.client.partner
    if partner is None:
        raise golden.CaseRefused(_("The client belongs to no partner, so nothing was kept. Name a partner's client."))
    return Kept(
        partner_id=partner.id,
        question=as_typed(question, answer),
        answer=answer,
        as_if_active=as_if_active,
        read=read_by(ground, question.client_id),
    )


def question_of(record: Record) -> Question:
    """The question that asks again what an exchange asked, from what its event keeps. Raises ``ValueError``."""
    data: dict[str, Any] = record.document.get("data") or {}
    request, client = data.get("request") or {}, record.entry.client
    grant_type = str(request.get("grant_type") or "")
    if not client or not grant_type:
        raise ValueError(_("Its caller or its grant was not known, so there is nothing to try again."))
    parameters = {name: tuple(map(str, request.get(name) or ())) for name in ("audience", "resource")}
    if request.get("scope"):
        parameters["scope"] = (" ".join(map(str, request["scope"])),)
    if grant_type == TOKEN_EXCHANGE:
        kinds = {name: request.get(name) for name in ("subject_token_type", "actor_token_type")}
        parameters |= {name: (str(kind),) for name, kind in kinds.items() if kind}
    confirmed = _confirmed(data)
    return Question(
        client_id=client,
        grant_type=grant_type,
        at=record.entry.at,
        parameters={name: values for name, values in parameters.items() if values},
        subject=_recorded(data.get("subject")),
        actor=_recorded(data.get("actor")),
        has_proof="jkt" in confirmed,
        has_certificate="x5t#S256" in confirmed,
    )


def questions_of(records: Iterable[Record]) -> Iterator[tuple[Record, Question]]:
    """The exchanges that got as far as a verified token, or needed none, with what each asked."""
    for record in records:
        data = record.document.get("data") or {}
        if not data.get("subject") and (data.get("request") or {}).get("subject_token_type"):
            continue
        try:
            yield record, question_of(record)
        except ValueError:
            continue


def _recorded(token: object) -> Typed | None:
    """A verified token as its event keeps it."""
    if not isinstance(token, dict) or not isinstance(token.get("claims"), dict):
        return None
    header = {"alg": token.get("alg"), "kid": token.get("kid")}
    return Typed(header={name: value for name, value in header.items() if value}, claims=token["claims"])


def _confirmed(data: dict[str, Any]) -> set[str]:
    """The methods by which the caller proved a key, as its steps say."""
    steps = [step for step in data.get("steps") or () if isinstance(step, list) and len(step) > 3]  # noqa: PLR2004
    return {str(step[3]).partition(" ")[0] for step in steps if step[0] == Rule.POSSESSION}
