"""Requests that are sent to the endpoint and tried in the simulator: one description of both."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from audit.events import SYSTEM
from audit.models import Event
from exchange.ground import ground_of
from exchange.protocol.request import CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE
from exchange.simulating import simulate
from exchange.simulation import Answer, Question
from exchange.supposing import Typed
from partners import models
from partners.changes import changing
from policy.raw import RawToken
from tests import world as worlds
from tests.cases import filled
from tests.exchange.in_process import Caller, calling
from tests.exchange.trial_worlds import ARCHIVE
from tests.signers import Signer, encode, make_key, public_jwk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exchange.registry import Registry
    from tests.world import World

HOLDER = make_key("ES256")
"""Whose proofs of possession the requests bring."""
UNKNOWN_TO_THE_MINT = {"jti", "txn", "fam", "iat"}
"""What only a real mint gives, or what the moment of it gives."""


class Kind(StrEnum):
    """What the subject token is: a JWT of the signer; one of its opaque tokens; a token of ours, or a reference."""

    SIGNED = "signed"
    OPAQUE = "opaque"
    OURS = "ours"
    REFERENCE = "reference"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A request: what differs from a good exchange of ``kestrel-batch``."""

    client: str = "kestrel-batch"
    grant: str = TOKEN_EXCHANGE
    signer: str = "idp"
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    text: str | None = None
    """In place of a token."""
    kind: Kind = Kind.SIGNED
    spoil: bool = False
    """Whether the signature is another token's."""
    actor: dict[str, Any] | None = None
    """Claims of an actor token."""
    actor_signer: str = "services"
    is_proven: bool = False
    """Whether the request brings a DPoP proof of ``HOLDER``."""
    parameters: dict[str, Any] = field(default_factory=dict)
    before: str = ""
    """What happens to the configuration first."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the endpoint recorded, what it minted, and what the simulator says of the same request."""

    event: dict[str, Any]
    minted: dict[str, Any]
    question: Question
    pasted: Answer
    typed: Answer


def signer_of(world: World, name: str) -> Signer:
    """By its name in the world, or among heron's."""
    found: Signer = getattr(world, name, None) or getattr(world.heron, name)
    return found


def texts(trial: Trial, world: World) -> tuple[str | None, str | None]:
    """The subject and the actor token."""
    signer = signer_of(world, trial.signer)
    audience = trial.claims.get("aud", world.issuer)
    claims = {name: filled(value) for name, value in trial.claims.items() if name != "aud"}
    token = trial.text
    if token is None and trial.grant != CLIENT_CREDENTIALS:
        if trial.kind is Kind.OPAQUE:
            token = world.__dict__["sessions"].token(audience, **claims)
        else:
            token = signer.subject_token(audience, header=trial.header, **claims)
        if trial.spoil:
            token = token.rpartition(".")[0] + "." + signer.subject_token(world.issuer).rpartition(".")[2]
    return token, actor_of(trial, world)


def actor_of(trial: Trial, world: World) -> str | None:
    """The actor token, where there is one."""
    if trial.actor is None:
        return None
    claims = {"aud": world.issuer, **{name: filled(value) for name, value in trial.actor.items()}}
    return signer_of(world, trial.actor_signer).subject_token(claims.pop("aud"), **claims)


def proof(world: World) -> str:
    """A fresh proof for the token endpoint (RFC 9449 section 4.2)."""
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(HOLDER)}
    claims = {"jti": str(uuid4()), "htm": "POST", "htu": world.token_endpoint, "iat": int(time.time())}
    return encode(header, claims, HOLDER)


def form_of(trial: Trial, subject: str | None, actor: str | None) -> dict[str, Any]:
    """What is sent, without credentials."""
    form: dict[str, Any] = {"grant_type": trial.grant, "audience": worlds.LEDGER}
    if trial.grant == JWT_BEARER:
        form["assertion"] = subject
    elif trial.grant == TOKEN_EXCHANGE:
        form |= {"subject_token": subject, "subject_token_type": worlds.ACCESS_TOKEN}
    if actor is not None:
        form |= {"actor_token": actor, "actor_token_type": worlds.ACCESS_TOKEN}
    return {name: value for name, value in (form | trial.parameters).items() if value is not None}


_TOKENS = frozenset({"subject_token", "assertion", "actor_token", "grant_type"})


def question_of(trial: Trial, form: dict[str, Any], at: datetime) -> Question:
    """The same request, as the simulator is asked."""
    parameters = {
        name: tuple(value) if isinstance(value, list) else (value,)
        for name, value in form.items()
        if name not in _TOKENS
    }
    subject = form.get("subject_token", form.get("assertion"))
    actor = form.get("actor_token")
    return Question(
        client_id=trial.client,
        grant_type=trial.grant,
        at=at,
        parameters=parameters,
        subject=None if subject is None else RawToken(subject),
        actor=None if actor is None else RawToken(actor),
        has_proof=trial.is_proven,
    )


def part(token: str, index: int) -> dict[str, Any]:
    """The header or the claims of a token that was pasted."""
    segment = token.split(".")[index]
    content: dict[str, Any] = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return content


def retyped(token: RawToken | Typed | None, world: World) -> RawToken | Typed | None:
    """The same token as somebody would type it, one that is opaque as its issuer says it; else left as it is."""
    if not isinstance(token, RawToken):
        return token
    sessions = world.__dict__.get("sessions")
    if sessions is not None and token.reveal() in sessions.known:
        said = sessions.known[token.reveal()]
        return Typed(header={}, claims={name: value for name, value in said.items() if name != "active"})
    try:
        return Typed(header=part(token.reveal(), 0), claims=part(token.reveal(), 1))
    except ValueError:
        return token


async def ask(caller: Caller, trials: Sequence[Trial]) -> list[tuple[Trial, dict[str, Any], Any]]:
    """Send each; answers what was sent, and the reply."""
    asked = []
    for trial in trials:
        subject, actor = await prepared(caller, trial)
        form = form_of(trial, subject, actor)
        fields = {"dpop": proof(caller.world)} if trial.is_proven else {}
        reply = await caller.post(form | {"client_id": trial.client, "client_secret": caller.world.secret}, **fields)
        asked.append((trial, form, reply))
    return asked


async def prepared(caller: Caller, trial: Trial) -> tuple[str | None, str | None]:
    """The tokens; where one of ours is to lose what it rests on, it is got first."""
    if trial.kind in {Kind.OURS, Kind.REFERENCE}:
        return await ours(caller, trial.kind), actor_of(trial, caller.world)
    if trial.before != "suspend":
        return texts(trial, caller.world)
    form = form_of(Trial(), *texts(Trial(), caller.world))
    reply = await caller.post(form | {"client_id": "kestrel-fleeting", "client_secret": caller.world.secret})
    await asyncio.to_thread(suspend_fleeting)
    return str(reply.json["access_token"]), None


async def ours(caller: Caller, kind: Kind) -> str:
    """A token of ours, got for one of kestrel's."""
    first = Trial(parameters={"audience": ARCHIVE if kind is Kind.REFERENCE else worlds.LEDGER})
    form = form_of(first, *texts(first, caller.world))
    reply = await caller.post(form | {"client_id": first.client, "client_secret": caller.world.secret})
    return str(reply.json["access_token"])


def suspend_fleeting() -> None:
    """The client that our token was issued to is suspended."""
    with changing(SYSTEM) as change:
        models.Client.objects.filter(client_id="kestrel-fleeting").update(state="suspended")
        change.touch(models.Partner.objects.get(slug="kestrel").id)


def judged(world: World, trials: Sequence[Trial], ground: Registry | None = None) -> list[Verdict]:
    """Each trial at the endpoint, then in the simulator under the same configuration, or on the ground given."""

    async def run() -> list[tuple[Trial, dict[str, Any], Any]]:
        async with calling(world) as caller:
            return await ask(caller, trials)

    asked = asyncio.run(run())
    tried = [_recorded(*one) for one in asked]
    ground = ground or ground_of([question for _event, _minted, question in tried])
    return [_verdict(*one, ground, world) for one in tried]


def _recorded(trial: Trial, form: dict[str, Any], reply: Any) -> tuple[dict[str, Any], dict[str, Any], Question]:
    """What was recorded of one request and minted for it, and the question that asks the same."""
    (canonical,) = Event.objects.filter(correlation_id=reply.headers["x-correlation-id"]).values_list(
        "canonical", flat=True
    )
    event = json.loads(canonical)
    minted = minted_by(reply, event)
    at = datetime.fromtimestamp(minted["iat"], UTC) if minted else datetime.fromisoformat(event["at"])
    return event, minted, question_of(trial, form, at)


def _verdict(
    event: dict[str, Any], minted: dict[str, Any], question: Question, ground: Registry, world: World
) -> Verdict:
    subject, actor = (retyped(token, world) for token in (question.subject, question.actor))
    typed = replace(question, subject=subject, actor=actor)
    return Verdict(
        event=event,
        minted=minted,
        question=question,
        pasted=simulate(question, ground),
        typed=simulate(typed, ground),
    )


def minted_by(reply: Any, event: dict[str, Any]) -> dict[str, Any]:
    """The claims of the new token; of a reference those that its event tells."""
    if reply.status != 200:
        return {}
    text = reply.json["access_token"]
    if text.count(".") == 2:
        return part(text, 1)
    token = event["data"]["token"]
    return {"iat": token["issued_at"], "exp": token["expires_at"], "sub": token["sub"], "aud": token["aud"][0]}


def path(steps: Any) -> list[tuple[str, str]]:
    """The steps with what became of each, but for the record, which is the ledger's."""
    return [(step[0], step[1]) for step in steps if step[0] != "record"]
