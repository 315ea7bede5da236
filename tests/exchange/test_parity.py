"""One decision for every way to a token: take away what a guard demands, on each way, and each way must refuse.

The cases are generated: every guard of ``policy.decision`` times every grant. Where a guard cannot fail on a way, the
table says why, so that nobody can leave one out unseen.
"""

from __future__ import annotations

import inspect
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from audit.events import SYSTEM
from exchange.protocol.request import CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE
from partners.changes import changing
from partners.models import Client, FederationTrust, Partner, Scope, ScopeMapping, Target
from policy import carrying, guards
from policy.reasons import Reason
from tests import services as plugin
from tests.conformance.rules import rule
from tests.exchange.test_interactive import Site, redeem, site  # noqa: F401 - a fixture
from tests.oracle import granted, refused
from tests.world import ACCESS_TOKEN, LEDGER, REPORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

FOREIGN, ASSERTION, OWN, ITSELF, PERSON = "foreign token", "jwt-bearer", "own token", "client credentials", "code"
WAYS = (FOREIGN, ASSERTION, OWN, ITSELF, PERSON)
CLIENTS = {
    FOREIGN: "kestrel-batch",
    ASSERTION: "kestrel-grants",
    OWN: "ledger-service",
    ITSELF: "kestrel-cron",
    PERSON: "app-secret",
}
MAPPINGS = {FOREIGN: "ledger", ASSERTION: "ledger", OWN: "onwards", ITSELF: "cron"}
TARGETS = {OWN: "reports"}
SCOPES = {FOREIGN: "ledger.read", ASSERTION: "ledger.read", OWN: "reports.read", ITSELF: "ledger.read"}
NO_MAPPING = "what people may lend is no published mapping"
NO_TOKEN = "no token vouches: the subject was authenticated here"
OURS = "we named the subject ourselves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """How one precondition is taken away, and what must come of it; ``never`` says where it cannot be missing."""

    guard: str
    reason: Reason
    error: str
    breaks: Callable[[str], Any] | None = None
    """Makes a context in which the precondition is missing, for a way."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Claims of the subject token that take it away, or with no ``breaks`` parameters of the request."""
    never: dict[str, str] = field(default_factory=dict)


@contextmanager
def altered(model: Any, names: dict[str, Any], **fields: Any) -> Iterator[None]:
    """Rows with other values, in force at the next request; then as they were."""
    rows = model.objects.filter(**names)
    before = list(rows.values("pk", *fields))
    assert before, f"no such row: {names}"
    _write(lambda: rows.update(**fields))
    try:
        yield
    finally:
        for row in before:
            key = row.pop("pk")
            _write(partial(model.objects.filter(pk=key).update, **row))


@contextmanager
def replaced(way: str, **fields: Any) -> Iterator[None]:
    """Another version of the way's mapping in force; then the one before it again."""
    row = ScopeMapping.objects.filter(name=MAPPINGS[way], state="published", **_of_kestrel(way)).get()
    old = row.pk
    _write(lambda: ScopeMapping.objects.filter(pk=old).update(state="superseded"))
    row.id, row._state.adding, row.version = ScopeMapping().id, True, row.version + 1000 + secrets.randbelow(10**6)
    for name, value in fields.items():
        setattr(row, name, value)
    _write(row.save)
    try:
        yield
    finally:
        _write(lambda: ScopeMapping.objects.filter(pk=row.pk).update(state="withdrawn"))
        _write(lambda: ScopeMapping.objects.filter(pk=old).update(state="published"))


def _of_kestrel(way: str) -> dict[str, Any]:
    return {"partner": None} if way == OWN else {"partner__slug": "kestrel"}


def _write(work: Callable[[], Any]) -> None:
    """A change that every process sees at its next request."""
    with changing(SYSTEM) as change:
        work()
        change.touch_catalogue()


def client_of(**fields: Any) -> Callable[[str], Any]:
    return lambda way: altered(Client, {"client_id": CLIENTS[way]}, **fields)


def mapping_of(**fields: Any) -> Callable[[str], Any]:
    return lambda way: replaced(way, **fields)


def target_of(**fields: Any) -> Callable[[str], Any]:
    return lambda way: altered(Target, {"name": TARGETS.get(way, "ledger")}, **fields)


def trust_of(**fields: Any) -> Callable[[str], Any]:
    return lambda _: altered(FederationTrust, {"partner__slug": "kestrel", "name": "idp"}, **fields)


MISSING = [{"claim": "never-there", "operator": "exists"}]
MAPPED = {PERSON: NO_MAPPING}
FOREIGN_ONLY = {OWN: OURS, ITSELF: NO_TOKEN, PERSON: NO_TOKEN}
BREACHES: dict[str, Breach] = {
    "the partner stands": Breach(
        guard="authenticate_client",
        reason=Reason.PARTNER_INACTIVE,
        error="invalid_client",
        breaks=lambda _: altered(Partner, {"slug": "kestrel"}, state="suspended"),
        never={OWN: "its client belongs to no partner; what the token came from is asked below"},
    ),
    "the client stands": Breach(
        guard="authenticate_client",
        reason=Reason.CLIENT_SUSPENDED,
        error="invalid_client",
        breaks=client_of(state="suspended"),
    ),
    "the client may use the grant": Breach(
        guard="authenticate_client",
        reason=Reason.GRANT_TYPE_NOT_ALLOWED,
        error="unauthorized_client",
        breaks=client_of(grant_types=["refresh_token"]),
    ),
    "what the token came from stands": Breach(
        guard="stand",
        reason=Reason.TOKEN_REVOKED,
        error="invalid_request",
        breaks=lambda _: altered(Client, {"client_id": "kestrel-batch"}, state="suspended"),
        never=dict.fromkeys((FOREIGN, ASSERTION, ITSELF, PERSON), "no token of ours is exchanged"),
    ),
    "the trust behind it stands": Breach(
        guard="stand",
        reason=Reason.TOKEN_REVOKED,
        error="invalid_request",
        breaks=trust_of(state="quarantined"),
        never=dict.fromkeys((FOREIGN, ASSERTION, ITSELF, PERSON), "no token of ours is exchanged"),
    ),
    "the trust's rules are met": Breach(
        guard="meet_trust_rules",
        reason=Reason.TRUST_RULE_UNMET,
        error="invalid_request",
        breaks=trust_of(rules=MISSING),
        never=FOREIGN_ONLY,
    ),
    "the target is in use": Breach(
        guard="resolve_targets",
        reason=Reason.TARGET_UNKNOWN,
        error="invalid_target",
        breaks=target_of(is_active=False),
        never={PERSON: "our own API is always there"},
    ),
    "there is a mapping": Breach(
        guard="select_mapping",
        reason=Reason.TARGET_NOT_MAPPED,
        error="invalid_target",
        breaks=mapping_of(state="withdrawn"),
        never=MAPPED,
    ),
    "the mapping is for the client": Breach(
        guard="select_mapping",
        reason=Reason.TARGET_NOT_MAPPED,
        error="invalid_target",
        breaks=mapping_of(clients=["somebody-else"]),
        never=MAPPED,
    ),
    "the mapping's rules are met": Breach(
        guard="select_mapping",
        reason=Reason.MAPPING_RULE_UNMET,
        error="invalid_target",
        breaks=mapping_of(rules=MISSING),
        never=MAPPED,
    ),
    "the mapping's condition holds": Breach(
        guard="select_mapping",
        reason=Reason.MAPPING_RULE_UNMET,
        error="invalid_target",
        breaks=mapping_of(condition="client == 'somebody-else'"),
        never=MAPPED,
    ),
    "the mapping's condition can be evaluated": Breach(
        guard="select_mapping",
        reason=Reason.MAPPING_RULE_FAULT,
        error="invalid_target",
        breaks=mapping_of(condition="claims.never_there == 'x'"),
        never=MAPPED,
    ),
    "its claims can be evaluated": Breach(
        guard="carry_claims",
        reason=Reason.MAPPING_RULE_FAULT,
        error="invalid_target",
        breaks=mapping_of(claims={"unit": "claims.never_there"}),
        never=MAPPED,
    ),
    "somebody may act alone": Breach(
        guard="delegate",
        reason=Reason.ACTOR_REQUIRED,
        error="invalid_request",
        breaks=mapping_of(allows_impersonation=False),
        never={ITSELF: NO_TOKEN, PERSON: NO_MAPPING},
    ),
    "the catalogue has the scope": Breach(
        guard="narrow_scope",
        reason=Reason.SCOPE_UNKNOWN,
        error="invalid_scope",
        breaks=lambda way: altered(Scope, {"name": SCOPES[way]}, name="another.name"),
        never={PERSON: "our own API's scopes are always there"},
    ),
    "the mapping gives the scope": Breach(
        guard="narrow_scope",
        reason=Reason.SCOPE_NOT_GRANTED,
        error="invalid_scope",
        breaks=mapping_of(always=[], grants={}),
        never=MAPPED,
    ),
    "the client's ceiling has the scope": Breach(
        guard="narrow_scope",
        reason=Reason.SCOPE_NOT_GRANTED,
        error="invalid_scope",
        breaks=client_of(scopes=[]),
    ),
    "some lifetime is left": Breach(
        guard="limit_lifetime",
        reason=Reason.LIFETIME_EXHAUSTED,
        error="invalid_request",
        changes={"exp": -2, "iat": -60},
        never={
            OWN: "a token of ours is refused as expired before, without leeway",
            ITSELF: NO_TOKEN,
            PERSON: NO_TOKEN,
        },
    ),
    "the subject has a name": Breach(
        guard="name_subject",
        reason=Reason.SUBJECT_UNUSABLE,
        error="invalid_request",
        breaks=mapping_of(subject_claim="never-there"),
        never=FOREIGN_ONLY,
    ),
}


@pytest.fixture(scope="module")
def ways(site: Site, services: plugin.Services, django_db_blocker: Any) -> Iterator[Site]:  # noqa: F811
    """The site, with this process's Django pointed at its database."""
    name = site.server.dsn.partition("?")[0].rpartition("/")[2]
    with django_db_blocker.unblock(), plugin.database_in_use(services, name):
        yield site


def prepare(ways: Site, way: str) -> dict[str, Any]:
    """What the way needs before the precondition is taken away."""
    if way == OWN:
        return {"token": granted(ways.server, ways.server.exchange(auth=ways.server.basic)).body["access_token"]}
    if way == PERSON:
        verifier = secrets.token_urlsafe(48)
        return {"verifier": verifier, "code": ways.code("app-secret", verifier)["code"][0]}
    return {}


def go(ways: Site, way: str, held: dict[str, Any], **claims: Any) -> httpx.Response:
    """One request on this way; ``claims`` are changed in the foreign token, times relative to now."""
    server = ways.server
    if way == PERSON:
        return redeem(ways, held["code"], held["verifier"], auth=("app-secret", "s" * 43))
    claims = {name: int(time.time()) + value for name, value in claims.items()}
    foreign = server.world.idp.subject_token(server.world.issuer, **claims)
    forms: dict[str, dict[str, Any]] = {
        FOREIGN: {"grant_type": TOKEN_EXCHANGE, "subject_token": foreign, "subject_token_type": ACCESS_TOKEN},
        ASSERTION: {"grant_type": JWT_BEARER, "assertion": foreign},
        OWN: {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": held.get("token"),
            "subject_token_type": ACCESS_TOKEN,
            "audience": REPORTS,
        },
        ITSELF: {"grant_type": CLIENT_CREDENTIALS},
    }
    form = {"audience": LEDGER, "scope": SCOPES[way]} | forms[way]
    return server.post(form, auth=(CLIENTS[way], server.world.secret))


@pytest.mark.parametrize("way", WAYS)
def test_with_every_precondition_in_place_each_way_leads_to_a_token(ways: Site, way: str) -> None:
    granted(ways.server, go(ways, way, prepare(ways, way)))


CASES = [(way, name) for name, breach in BREACHES.items() for way in WAYS if way not in breach.never]


@rule(48, "RFC 8693", "4.1")
@pytest.mark.parametrize(("way", "name"), CASES, ids=lambda value: value.replace(" ", "-"))
def test_without_a_precondition_no_way_leads_to_a_token(ways: Site, way: str, name: str) -> None:
    breach, held = BREACHES[name], prepare(ways, way)
    if breach.breaks is None:
        answer = go(ways, way, held, **breach.changes)
    else:
        with breach.breaks(way):
            answer = go(ways, way, held)
    error = "invalid_grant" if way == ASSERTION and breach.error == "invalid_request" else breach.error
    refused(ways.server, answer, error, breach.reason)


def test_every_guard_of_the_decision_is_in_the_table() -> None:
    public = {
        name
        for module in (guards, carrying)
        for name, member in inspect.getmembers(module, inspect.isfunction)
        if member.__module__ == module.__name__ and not name.startswith("_")
    }
    assert public - {"evaluate"} == {breach.guard for breach in BREACHES.values()} - {"authenticate_client"}


def test_whatever_cannot_fail_on_a_way_says_why() -> None:
    for breach in BREACHES.values():
        assert breach.never.keys() < set(WAYS)
        assert all(breach.never.values())
