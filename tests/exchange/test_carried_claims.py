"""Claims from a partner's token to ours: declared in a document, worked out in CEL, in the token and its event."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from partners import models
from portal.documents.applying import Options, apply
from portal.documents.reading import Source, read_documents
from tests import exchange_server
from tests.conformance.rules import rule
from tests.partners.examples import ADMIN
from tests.world import LEDGER, REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exchange_server import ExchangeServer
    from tests.services import Services

MAPPINGS = """\
version: 1
kind: Mapping
name: ledger
partner: kestrel
trust: idp
target: ledger
condition: "'ops' in claims.groups && claims.level >= 2"
scopes_expression: claims.groups.filter(g, g.startsWith('ledger.')).map(g, string(g))
default_scopes: [ledger.read]
allows_impersonation: true
claims:
  department: claims.email.split('@')[1].lowerAscii()
  groups: claims.groups
  level: claims.level + 1
  robot: has(actor.sub)
  origin: client + ':' + claims.sub
carries_login: true
---
version: 1
kind: Mapping
name: reports
partner: kestrel
trust: idp
target: reports
always: [reports.read]
allows_impersonation: true
claims:
  department: claims.email
"""
CLAIMS: dict[str, Any] = {"groups": ["ops", "ledger.write"], "level": 2, "email": "ada@Kestrel.example"}


@pytest.fixture(scope="module")
def mapped(services: Services, django_db_blocker: Any) -> Iterator[ExchangeServer]:
    """A server whose mappings are written in expressions, as an admin applies them."""
    with exchange_server.running(services, django_db_blocker, prepare=_apply) as server:
        yield server


def _apply() -> None:
    source = Source(name="kestrel.yaml", text=MAPPINGS, directory=Path())
    apply(read_documents([source], {}), ADMIN, Options())
    assert models.ScopeMapping.objects.filter(name="ledger", version=2, state="published").exists()


def exchanged(server: ExchangeServer, *, claims: dict[str, Any] = CLAIMS, **changes: Any) -> Any:
    token = server.world.idp.subject_token(server.url, **claims)
    return server.exchange(subject_token=token, **changes)


@rule(57, "RFC 8693", "6")
@rule(70, "RFC 9068", "2.2.3")
def test_a_token_carries_the_claims_its_mapping_names_and_no_others(mapped: ExchangeServer) -> None:
    response = exchanged(mapped, scope="ledger.read ledger.write")
    assert response.status_code == 200, response.text
    issued = jwt.decode(response.json()["access_token"], options={"verify_signature": False})
    own = {"iss", "sub", "aud", "exp", "iat", "jti", "txn", "fam", "client_id", "scope", "src"}
    carried = {name: value for name, value in issued.items() if name not in own}
    assert carried == {
        "department": "kestrel.example",
        "groups": ["ops", "ledger.write"],
        "level": 3,
        "robot": False,
        "origin": "kestrel-backend:user-1",
    }
    assert issued["scope"] == "ledger.write"
    assert mapped.event(response)["data"]["token"]["claims"] == carried


@rule(71, "RFC 9068", "2.2.1")
def test_a_token_says_how_its_subject_signed_in_where_the_mapping_carries_that(mapped: ExchangeServer) -> None:
    login = {"auth_time": 1_700_000_000, "acr": "phr", "amr": ["hwk", "pin"]}
    for audience, expected in ((LEDGER, login), (REPORTS, {})):
        response = exchanged(mapped, claims=CLAIMS | login, audience=audience)
        issued = jwt.decode(response.json()["access_token"], options={"verify_signature": False})
        assert {name: issued[name] for name in login if name in issued} == expected


@pytest.mark.parametrize("claims", [CLAIMS | {"level": 1}, CLAIMS | {"groups": ["art"]}, CLAIMS | {"groups": []}])
def test_a_token_that_does_not_meet_the_condition_is_refused(mapped: ExchangeServer, claims: dict[str, Any]) -> None:
    response = exchanged(mapped, claims=claims)
    event = mapped.event(response)
    assert (response.status_code, event["data"]["steps"][-1][1]) == (400, "refused")
    assert event["reason"] == "policy.mapping_rule_unmet"


@pytest.mark.parametrize(
    "claims",
    [
        {"level": 2, "email": "a@b.example"},
        CLAIMS | {"level": "two"},
        CLAIMS | {"email": "nobody"},
        CLAIMS | {"groups": ["ops", {"nested": 1}]},
        CLAIMS | {"email": "a@" + "b" * 2000},
    ],
)
def test_what_cannot_be_worked_out_is_refused_and_shows_as_a_fault(
    mapped: ExchangeServer, claims: dict[str, Any]
) -> None:
    response = exchanged(mapped, claims=claims)
    event = mapped.event(response)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_target")
    assert "claims." not in response.text
    assert (event["reason"], event["data"]["steps"][-1][1]) == ("policy.mapping_rule_fault", "fault")


def test_targets_that_carry_different_claims_are_refused_together(mapped: ExchangeServer) -> None:
    assert exchanged(mapped, audience=REPORTS).status_code == 200
    response = exchanged(mapped, audience=[LEDGER, REPORTS])
    assert response.status_code == 400
    assert mapped.event(response)["reason"] == "policy.targets_disagree"
