"""The running REST API beside ``docs/openapi-api.yaml``: whatever is sent, the answer is one that it describes."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import schemathesis
import yaml
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.openapi.checks import UndefinedStatusCode
from schemathesis.specs.openapi import checks

from exchange.models import Alert, GoldenToken
from exchange.protocol.request import CLIENT_CREDENTIALS, TOKEN_EXCHANGE
from partners.models import Partner
from portal.models import Invitation, PartnerAdmin, Proposal, User
from tests import exchange_server
from tests.portal.test_back_tests import drafted
from tests.world import ACCESS_TOKEN, LEDGER, add_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case

    from tests.exchange_server import ExchangeServer
    from tests.services import Services

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "openapi-api.yaml"
DOCUMENT: Final[dict[str, Any]] = yaml.load(PAGE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
DESCRIPTION: Final = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS: Final = [
    DESCRIPTION[path][method.upper()]
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if {"access_token": []} in operation["security"]
]
"""Those that a token can be brought to: all but a partner's own side, which opens in a session."""
MODES: Final = list(schemathesis.GenerationMode)
CHECKS: Final = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
AT_ONCE: Final = 4
SECRET: Final = "s" * 43
KNOWN: Final = {"partner": "kestrel", "trust": "idp", "mapping": "ledger", "target": "ledger", "scope": "ledger.admin"}
END: Final = {"outcome": "refused", "reason": "token.issuer_untrusted", "step": "issuer"}
QUESTION: Final = {
    "client_id": "kestrel-batch",
    "grant_type": TOKEN_EXCHANGE,
    "at": "2026-11-01T00:00:00+00:00",
    "parameters": {"subject_token_type": [ACCESS_TOKEN], "audience": [LEDGER]},
    "subject": {"header": {"alg": "ES256", "typ": "at+jwt"}, "claims": {"iss": "https://nobody.example"}},
    "actor": None,
    "has_proof": False,
    "has_certificate": False,
    "as_if_active": False,
}
"""What a golden token of the API's asks again."""
SECONDS: Final = float(os.environ.get("SECONDS") or 6)
"""For all operations together."""


@pytest.fixture(scope="module")
def described(services: Services, django_db_blocker: Any) -> Iterator[ExchangeServer]:
    """A server of our own, in which anything may happen to the configuration."""

    def prepare() -> None:
        scopes = ["partners:read", "partners:write", "mappings:publish", "exchanges:read"]
        scopes += ["settings:write", "audit:read"]
        limits: dict[str, Any] = {"requests_per_minute": 1_000_000, "burst": 100_000}
        add_client(None, "clerk", secret=SECRET, grant_types=[CLIENT_CREDENTIALS], scopes=scopes, **limits)
        ada = User.objects.create_user("ada@meridian.example")
        cared_for(Partner.objects.get(slug="kestrel"), ada)
        drafted()
        GoldenToken.objects.create(
            partner=Partner.objects.get(slug="kestrel"), name="gold", question=QUESTION, expected=END, found=END,
            author="ada@meridian.example", checked_at=timezone.now(), checked_epoch=1,
        )  # fmt: skip

    with exchange_server.running(services, django_db_blocker, prepare=prepare) as running:
        yield running


@pytest.fixture(scope="module")
def identifiers(described: ExchangeServer) -> dict[str, Any]:
    """What there is to be addressed: half of the calls go there."""
    ((client,),) = described.rows("SELECT id::text FROM partners_client WHERE client_id = 'kestrel-batch'")
    ((person,),) = described.rows("SELECT id::text FROM portal_user WHERE email = 'ada@meridian.example'")
    ((case,),) = described.rows("SELECT id::text FROM exchange_goldentoken")
    reference = described.exchange().headers["x-correlation-id"]
    sources = "SELECT key_source_id::text FROM partners_federationtrust WHERE name = 'idp'"
    rows = {"alert": "SELECT id::text FROM exchange_alert", "source": sources}
    rows |= {name: f"SELECT id::text FROM portal_{name}" for name in ("invitation", "proposal")}
    found = {name: described.rows(query)[0][0] for name, query in rows.items()}
    return {**KNOWN, **found, "client": client, "person": person, "case": case, "reference": reference, "slot": 1}


def cared_for(kestrel: Partner, person: User) -> None:
    """An alert about it, an invitation to it, a proposal of it, and somebody of it."""
    now = timezone.now()
    Alert.objects.create(partner=kestrel, kind="weaker_algorithm", raised_at=now)
    link = {"email": "mei@kestrel.example", "digest": b"\1" * 32, "made_by": person}
    Invitation.objects.create(partner=kestrel, **link, expires_at=now + timedelta(hours=1))
    Proposal.objects.create(partner=kestrel, trust="idp", fields={"max_depth": 2}, author=person)
    PartnerAdmin.objects.create(user=person, partner=kestrel, domain="kestrel.example")


def token(server: ExchangeServer) -> str:
    form = {"grant_type": CLIENT_CREDENTIALS, "audience": f"{server.url}/api"}
    answer = server.post(form, auth=("clerk", SECRET))
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["access_token"]
    return text


def test_every_answer_of_the_api_is_one_that_is_described(
    described: ExchangeServer, identifiers: dict[str, Any]
) -> None:
    deadline = time.monotonic() + SECONDS
    statuses: Counter[int] = Counter()
    rounds = 0
    while not rounds or time.monotonic() < deadline:
        bearer = token(described)
        for operation in random.sample(OPERATIONS, len(OPERATIONS)):
            statuses += explore(operation, random.choice(MODES), described, identifiers, bearer)
        rounds += 1
    assert statuses[401] == statuses[403] == 0, "the calls were not let in"
    assert statuses[200] > 0, statuses
    assert statuses.total() > 2 * statuses[429], "mostly the limits answered"


def explore(
    operation: Any, mode: Any, server: ExchangeServer, identifiers: dict[str, Any], bearer: str
) -> Counter[int]:
    """Some calls of one operation, each checked: how often which status came back."""
    statuses: Counter[int] = Counter()

    @seed(random.getrandbits(32))
    @settings(
        max_examples=AT_ONCE,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Case[Any]) -> None:
        if random.random() < 0.9:
            case.path_parameters = {name: identifiers[name] for name in case.path_parameters or {}}
        headers = {"Authorization": f"Bearer {bearer}"}
        if random.random() < 0.8 and "If-Match" in (case.headers or {}):
            headers["If-Match"] = "*"
        response = case.call(base_url=server.url, headers=headers)
        case.validate_response(response, checks=CHECKS)
        statuses[response.status_code] += 1

    one()
    return statuses


def test_the_checks_see_an_answer_of_the_api_that_is_not_described(described: ExchangeServer) -> None:
    """A planted difference: the description loses the status that the answer has."""
    changed = yaml.load(PAGE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    del changed["paths"]["/api/v1/partners/{partner}"]["get"]["responses"]["404"]
    operation = schemathesis.openapi.from_dict(changed)["/api/v1/partners/{partner}"]["GET"]
    bearer = {"Authorization": f"Bearer {token(described)}"}
    case = operation.Case(path_parameters={"partner": "nobody"}, headers=bearer)
    response = case.call(base_url=described.url)
    with pytest.raises(FailureGroup) as caught:
        case.validate_response(response, checks=CHECKS)
    assert [type(failure) for failure in caught.value.exceptions] == [UndefinedStatusCode]
