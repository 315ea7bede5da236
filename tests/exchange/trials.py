"""Requests that are sent to the endpoint and tried in the simulator: one description of both."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

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
from tests import services as plugin
from tests import world as worlds
from tests.cases import filled
from tests.exchange.in_process import Caller, calling, organisation
from tests.signers import Signer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exchange.registry import Registry
    from tests.world import World

ARCHIVE = "https://archive.meridian.example"
"""A target whose tokens are references."""
BOOKS = "https://books.meridian.example"
"""A target whose mapping names the subject by another claim."""
UNKNOWN_TO_THE_MINT = {"jti", "txn", "fam", "iat"}
"""What only a real mint gives, or what the moment of it gives."""


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
    spoil: bool = False
    """Whether the signature is another token's."""
    actor: dict[str, Any] | None = None
    """Claims of an actor token of heron's services."""
    parameters: dict[str, Any] = field(default_factory=dict)
    before: str = ""
    """What happens to the configuration first."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the endpoint recorded, what it minted, and what the simulator says of the same request."""

    event: dict[str, Any]
    minted: dict[str, Any]
    pasted: Answer
    typed: Answer


def signer_of(world: World, name: str) -> Signer:
    """By its name in the world, or among heron's."""
    found: Signer = getattr(world, name, None) or getattr(world.heron, name)
    return found


def furnished() -> World:
    """The test organisation, with what only these trials need."""
    world = organisation()
    with changing(SYSTEM) as change:
        change.touch_catalogue()
        kestrel = models.Partner.objects.get(slug="kestrel")
        trust = kestrel.trusts.get(name="idp")
        for name, audience, fields in (("archive", ARCHIVE, {"token_format": "reference"}), ("books", BOOKS, {})):
            target = models.Target.objects.create(name=name, audience=audience, lifetime=timedelta(minutes=4), **fields)
            models.Scope.objects.create(target=target, name=f"{name}.read", description=name)
            scopes = {"always": [f"{name}.read"], "default_scopes": [f"{name}.read"]}
            by = {"subject_claim": "account" if name == "books" else "sub"}
            worlds.add_mapping(trust, target, name, allows_impersonation=True, **scopes, **by)
        everything = ["ledger.read", "ledger.write", "reports.read", "archive.read", "books.read"]
        models.Client.objects.filter(partner=kestrel).update(scopes=everything)
        for client_id, changes in (
            ("kestrel-methodless", {"methods": []}),
            ("kestrel-proving", {"dpop_bound_access_tokens": True}),
            ("kestrel-certified", {"tls_client_certificate_bound_access_tokens": True}),
            ("kestrel-fleeting", {}),
        ):
            worlds.add_client(kestrel, client_id, secret=world.secret, **changes)
        nova = models.Partner.objects.create(slug="nova", name="Nova", state="configuring")
        change.touch(nova.id)
        target = models.Target.objects.get(name="ledger")
        rehearsing = worlds.add_trust(nova, Signer("https://idp.nova.example", world.other_idp.key))
        worlds.add_mapping(rehearsing, target, "ledger", allows_impersonation=True)
        worlds.add_client(nova, "nova-backend", secret=world.secret)
    world.__dict__["nova"] = Signer("https://idp.nova.example", world.other_idp.key)
    return world


def texts(trial: Trial, world: World) -> tuple[str | None, str | None]:
    """The subject and the actor token."""
    signer = signer_of(world, trial.signer)
    audience = trial.claims.get("aud", world.issuer)
    claims = {name: filled(value) for name, value in trial.claims.items() if name != "aud"}
    token = trial.text
    if token is None and trial.grant != CLIENT_CREDENTIALS:
        token = signer.subject_token(audience, header=trial.header, **claims)
        if trial.spoil:
            token = token.rpartition(".")[0] + "." + signer.subject_token(world.issuer).rpartition(".")[2]
    actor = None
    if trial.actor is not None:
        actor = world.heron.services.subject_token(world.issuer, **trial.actor)
    return token, actor


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
    )


def part(token: str, index: int) -> dict[str, Any]:
    """The header or the claims of a token that was pasted."""
    segment = token.split(".")[index]
    content: dict[str, Any] = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return content


def retyped(token: RawToken | Typed | None) -> RawToken | Typed | None:
    """The same token as somebody would type it; left as it is where it cannot be read."""
    if not isinstance(token, RawToken):
        return token
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
        reply = await caller.post(form | {"client_id": trial.client, "client_secret": caller.world.secret})
        asked.append((trial, form, reply))
    return asked


async def prepared(caller: Caller, trial: Trial) -> tuple[str | None, str | None]:
    """The tokens; where one of ours is to lose what it rests on, it is got first."""
    if trial.before != "suspend":
        return texts(trial, caller.world)
    form = form_of(Trial(), *texts(Trial(), caller.world))
    reply = await caller.post(form | {"client_id": "kestrel-fleeting", "client_secret": caller.world.secret})
    await asyncio.to_thread(suspend_fleeting)
    return str(reply.json["access_token"]), None


def suspend_fleeting() -> None:
    """The client that our token was issued to is suspended."""
    with changing(SYSTEM) as change:
        models.Client.objects.filter(client_id="kestrel-fleeting").update(state="suspended")
        change.touch(models.Partner.objects.get(slug="kestrel").id)


@contextmanager
def endpoint(services: plugin.Services, blocker: Any) -> Iterator[World]:
    """A database of its own with the furnished world in it, in which nobody is limited."""
    from django.conf import settings  # noqa: PLC0415 - the settings in use now

    with blocker.unblock(), plugin.own_database(services):
        held = settings.HANDOVER
        settings.HANDOVER = replace(held, failure_rate=0)
        try:
            yield furnished()
        finally:
            settings.HANDOVER = held


def judged(world: World, trials: Sequence[Trial]) -> list[Verdict]:
    """Each trial at the endpoint, then in the simulator under the same configuration."""

    async def run() -> list[tuple[Trial, dict[str, Any], Any]]:
        async with calling(world) as caller:
            return await ask(caller, trials)

    asked = asyncio.run(run())
    tried = [_recorded(*one) for one in asked]
    ground = ground_of([question for _event, _minted, question in tried])
    return [_verdict(*one, ground) for one in tried]


def _recorded(trial: Trial, form: dict[str, Any], reply: Any) -> tuple[dict[str, Any], dict[str, Any], Question]:
    """What was recorded of one request and minted for it, and the question that asks the same."""
    (canonical,) = Event.objects.filter(correlation_id=reply.headers["x-correlation-id"]).values_list(
        "canonical", flat=True
    )
    event = json.loads(canonical)
    minted = minted_by(reply, event)
    at = datetime.fromtimestamp(minted["iat"], UTC) if minted else datetime.fromisoformat(event["at"])
    return event, minted, question_of(trial, form, at)


def _verdict(event: dict[str, Any], minted: dict[str, Any], question: Question, ground: Registry) -> Verdict:
    typed = replace(question, subject=retyped(question.subject), actor=retyped(question.actor))
    return Verdict(event=event, minted=minted, pasted=simulate(question, ground), typed=simulate(typed, ground))


def minted_by(reply: Any, event: dict[str, Any]) -> dict[str, Any]:
    """The claims of the new token; of a reference those that its event tells."""
    if reply.status != 200:
        return {}
    text = reply.json["access_token"]
    if text.count(".") == 2:
        return part(text, 1)
    token = event["data"]["token"]
    return {"iat": token["issued_at"], "exp": token["expires_at"], "sub": token["sub"], "aud": token["aud"][0]}
