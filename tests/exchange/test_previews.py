"""What the simulator says beforehand is what the endpoint does: on random requests, and for drafts once published.

``make simulations`` tries ten thousand; among all tests it is a few hundred.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from audit.events import SYSTEM
from exchange.ground import ground_of
from exchange.protocol.request import CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE
from exchange.simulating import SUPPOSED_KEY, simulate
from exchange.simulation import Outcome, Question
from partners.changes import changing
from partners.models import ScopeMapping
from portal.simulator.replaying import effect_of
from tests.campaign import rounds
from tests.exchange.trial_worlds import ARCHIVE, BOOKS, endpoint, sessions_running
from tests.exchange.trials import HOLDER, UNKNOWN_TO_THE_MINT, Kind, Trial, judged, path
from tests.world import ID_TOKEN, JWT, LEDGER, REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests import services as plugin
    from tests.exchange.trials import Verdict
    from tests.world import World

JKT = HOLDER.thumbprint()
SIGNERS = {
    "fjord-backend": ["other_idp"],
    "heron-gateway": ["people", "services", "strict", "many", "login", "drafted", "paused"],
    "heron-noscope": ["services", "many"],
    "nova-backend": ["nova"],
    "otter-backend": ["other_idp"],
}
CLIENTS = [
    *["kestrel-batch"] * 9,
    *["fjord-backend", "heron-gateway", "otter-backend", "kestrel-proving"] * 2,
    *["heron-noscope", "nova-backend", "idle-backend", "kestrel-gone"],
]
CHAIN = {"sub": "robot-1", "act": {"sub": "robot-2"}}
CLAIMS: list[dict[str, Any]] = [
    {"tier": "silver"},
    {"tier": None},
    {"tier": ["gold"]},
    {"scope": "settle:write"},
    {"scope": None, "scp": ["reports:read"]},
    {"act": {"sub": "robot-1"}},
    {"act": CHAIN},
    {"may_act": {"sub": "kestrel-batch"}},
    {"exp": {"now": 40}},
    {"exp": {"now": -120}, "iat": {"now": -400}},
    {"nbf": {"now": 600}},
    {"iat": {"now": 600}, "exp": {"now": 900}},
    {"exp": {"now": 40_000_000}},
    {"account": "user-1"},
    {"account": "user-2"},
    {"jti": None},
    {"sub": ""},
    {"aud": "kestrel-batch"},
    {"aud": "https://elsewhere.example"},
    {"auth_time": 1_700_000_000, "acr": "high"},
    {"team": ["blue"]},
    {"nonce": "n", "scope": None},
    {"cnf": {"jkt": JKT}},
]
HEADERS: list[dict[str, Any]] = [{"typ": "at+jwt"}, {"typ": None}, {"kid": None}, {"alg": "none"}, {"typ": "dpop+jwt"}]
TARGETS: list[Any] = [
    *[LEDGER] * 8,
    *[REPORTS, ARCHIVE, BOOKS, "https://nowhere.example", None],
    *[[LEDGER, REPORTS], [LEDGER, BOOKS], [BOOKS, ARCHIVE], [LEDGER, LEDGER]],
]
RESOURCES: list[Any] = [
    *[None] * 12,
    *["https://ledger.meridian.example/v1", "https://elsewhere.example/v1", "no-uri"],
    ["https://ledger.meridian.example/v1", "https://reports.meridian.example/v1"],
]
SCOPES = [None, "ledger.read", "ledger.read ledger.write", "ledger.admin ledger.read", "reports.read", "archive.read"]
ACTORS: list[dict[str, Any]] = [
    *[{}] * 6,
    {"exp": {"now": -120}, "iat": {"now": -400}},
    {"aud": "https://elsewhere.example"},
    {"cnf": {"jkt": JKT}},
    {"act": {"sub": "robot-9"}},
]
ACTOR_SIGNERS = [*["services"] * 4, "robots", "idp", "many", "paused"]
KINDS = [*[Kind.SIGNED] * 20, Kind.OURS, Kind.REFERENCE]


@pytest.fixture(scope="module")
def world(services: plugin.Services, django_db_blocker: Any) -> Iterator[World]:
    with endpoint(services, django_db_blocker, "127.0.0.1/32") as furnished, sessions_running(furnished):
        yield furnished


def rolled(dice: random.Random) -> Trial:
    """A request of chance: mostly good, changed in a few places."""
    changed: dict[str, Any] = {}
    for claims in dice.sample(CLAIMS, dice.choice([0, 0, 0, 1, 1, 2])):
        changed |= claims
    grant = dice.choices([TOKEN_EXCHANGE, JWT_BEARER, CLIENT_CREDENTIALS], [8, 1, 1])[0]
    client = {JWT_BEARER: "kestrel-grants", CLIENT_CREDENTIALS: "kestrel-cron"}.get(grant) or dice.choice(CLIENTS)
    is_foreign = dice.random() < 0.05
    is_exchange = grant == TOKEN_EXCHANGE
    parameters = {"audience": dice.choice(TARGETS), "scope": dice.choice(SCOPES), "resource": dice.choice(RESOURCES)}
    if is_exchange and dice.random() < 0.1:
        parameters["subject_token_type"] = dice.choice([JWT, ID_TOKEN])
    kind = dice.choice(KINDS) if is_exchange else Kind.SIGNED
    is_opaque = client == "otter-backend" and kind is Kind.SIGNED and dice.random() < 0.8
    actor = {"sub": dice.choice([client, "robot-1"]), **dice.choice(ACTORS)}
    return Trial(
        client=client,
        grant=grant,
        signer="idp" if is_foreign else dice.choice(SIGNERS.get(client, ["idp"])),
        claims=changed,
        header=dice.choice(HEADERS) if dice.random() < 0.1 else {},
        kind=Kind.OPAQUE if is_opaque else kind,
        spoil=kind is Kind.SIGNED and not is_opaque and dice.random() < 0.03,
        actor=actor if is_exchange and dice.random() < 0.25 else None,
        actor_signer=dice.choice(ACTOR_SIGNERS),
        is_proven=dice.random() < (0.8 if client == "kestrel-proving" else 0.15),
        parameters=parameters,
    )


def agrees(trial: Trial, verdict: Verdict) -> None:
    """The preview of this request is its outcome; of a token that says nothing, that of what its issuer says of it."""
    recorded = verdict.event
    preview = verdict.pasted
    if preview.outcome is Outcome.UNDECIDED:
        assert trial.kind in {Kind.OPAQUE, Kind.REFERENCE}, trial
        steps = path(preview.steps)[:-1]
        assert path(recorded["data"]["steps"])[: len(steps)] == steps, trial
        if trial.kind is Kind.REFERENCE:
            return
        preview = verdict.typed
    assert (preview.reason or "") == recorded["reason"], trial
    assert path(preview.steps) == path(recorded["data"]["steps"]), trial
    assert (preview.outcome is Outcome.GRANTED) is bool(verdict.minted), trial
    minted = {name: value for name, value in verdict.minted.items() if name not in UNKNOWN_TO_THE_MINT}
    if preview.claims.get("cnf") == {"jkt": SUPPOSED_KEY}:
        assert trial.is_proven, trial
        assert minted.pop("cnf", {"jkt": JKT}) == {"jkt": JKT}, trial
    assert {name: preview.claims.get(name) for name in minted} == minted, trial


def all_agree(trials: Sequence[Trial], verdicts: Sequence[Verdict]) -> None:
    for trial, verdict in zip(trials, verdicts, strict=True):
        agrees(trial, verdict)
    granted = [verdict for verdict in verdicts if verdict.minted]
    assert len(trials) / 10 < len(granted) < len(trials)


def test_a_preview_equals_the_outcome_on_random_requests(world: World) -> None:
    dice = random.Random(8693)
    trials = [rolled(dice) for _ in range(rounds(300))]
    verdicts = judged(world, trials)
    all_agree(trials, verdicts)
    reasons = {verdict.event["reason"] for verdict in verdicts}
    assert len(reasons) > 15
    undecided = sum(verdict.pasted.outcome is Outcome.UNDECIDED for verdict in verdicts)
    assert 0 < undecided < len(trials) / 5
    print(f"{len(trials)} requests, {undecided} of them opaque, {len(reasons)} ends: each as it was previewed")  # noqa: T201


CHANGES: list[dict[str, Any]] = [
    {"rules": []},
    {"rules": [{"claim": "tier", "operator": "equals", "value": "silver"}]},
    {"rules": [{"claim": "account", "operator": "exists"}]},
    {"grants": {}},
    {"grants": {"reports:read": ["ledger.write"]}},
    {"always": [], "default_scopes": []},
    {"lifetime": timedelta(seconds=30)},
    {"allows_impersonation": False},
    {"max_depth": 0},
    {"clients": ["kestrel-proving"]},
    {"subject_claim": "account"},
]


def drafted(changes: dict[str, Any]) -> ScopeMapping:
    """The next version of kestrel's mapping to the ledger, as a draft."""
    row = ScopeMapping.objects.get(partner__slug="kestrel", name="ledger", state="published")
    row.id, row.version, row.state, row._state.adding = ScopeMapping().id, row.version + 1, "draft", True
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()
    return row


def published(row: ScopeMapping) -> None:
    """The draft is in force, in place of the version before it."""
    with changing(SYSTEM) as change:
        change.touch(row.partner_id)
        mine = ScopeMapping.objects.filter(partner=row.partner_id, name=row.name)
        mine.filter(state="published").update(state="superseded")
        mine.filter(pk=row.pk).update(state="published")


def of_kestrel(dice: random.Random) -> Trial:
    """A request of chance by a client of kestrel, with a token of its issuer."""
    trial = rolled(dice)
    while not trial.client.startswith("kestrel") or trial.kind is not Kind.SIGNED:
        trial = rolled(dice)
    return trial


def test_a_preview_of_a_draft_equals_the_outcome_once_it_is_published(world: World) -> None:
    dice = random.Random(7662)
    in_force = ScopeMapping.objects.filter(name="ledger", partner__slug="kestrel").values(
        *{name for change in CHANGES for name in change}
    )[0]
    differing, size = 0, max(4, rounds(40) // 100)
    try:
        for change in dice.sample(CHANGES, min(size, len(CHANGES))):
            row = drafted(in_force | change | dice.choice(CHANGES))
            trials = [of_kestrel(dice) for _ in range(size)]
            questions = [
                Question(client_id=trial.client, grant_type=trial.grant, at=datetime.now(UTC)) for trial in trials
            ]
            before, after = ground_of(questions), ground_of(questions, draft=row.id)
            published(row)
            for trial, verdict in zip(trials, judged(world, trials, after), strict=True):
                agrees(trial, verdict)
                differing += effect_of(simulate(verdict.question, before), verdict.pasted) is not None
    finally:
        published(drafted(in_force))
    assert differing
