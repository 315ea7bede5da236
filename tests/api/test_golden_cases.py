"""Golden tokens by the API: kept without a signature, tried again, and what they stop from being published."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from audit.models import Event
from exchange.models import GoldenToken
from partners.models import Partner, ScopeMapping
from portal.permissions import Permission
from portal.roles import Role
from tests.api.test_lists import counted
from tests.api.test_simulations import asked, claims_of
from tests.portal import bench
from tests.portal import organisation as organisations
from tests.portal.test_back_tests import SILVER, drafted
from tests.portal.test_golden_tokens import moved

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer
    from tests.portal.bench import Bench

PATH = "partners/kestrel/mappings/ledger"


@pytest.fixture
def world(db: None) -> Bench:  # noqa: ARG001 - asked for its transaction
    return bench.build()


@pytest.fixture
def manager(bearer: Callable[..., Bearer]) -> Bearer:
    """A partner manager through a client."""
    return bearer(organisations.person(Role.PARTNER_MANAGER), *Permission)


def sent(manager: Bearer, body: dict[str, Any], **headers: str) -> Any:
    return manager.call("POST", "golden-tokens", json.dumps(body), **headers)


def kept(manager: Bearer, world: Bench, name: str = "Gold may read", **changes: Any) -> dict[str, Any]:
    """A case made by a call."""
    answer = sent(manager, {"name": name, **asked(world, **changes)})
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_a_case_is_made_with_header_and_the_claims_that_rules_read_and_no_signature(
    world: Bench, manager: Bearer
) -> None:
    token = world.idp.subject_token(world.issuer, email="user@kestrel.example")
    answer = sent(manager, {"name": "Gold may read", **asked(world, subject_token=token)})
    made = answer.json()
    assert (answer.status_code, made["expected"], made["is_green"]) == (201, "granted: ledger.read", True)
    assert answer["Location"] == f"/api/v1/golden-tokens/{made['id']}"
    assert manager.call("GET", f"golden-tokens/{made['id']}").json() == made
    question = GoldenToken.objects.get().question
    assert question["subject"]["header"] == {"alg": "ES256", "kid": world.idp.key.kid, "typ": "JWT"}
    assert "email" not in question["subject"]["claims"]
    told = answer.content.decode() + json.dumps(question) + "".join(Event.objects.values_list("canonical", flat=True))
    assert token.rpartition(".")[2] not in told


def test_it_is_audited_in_the_name_of_the_person_and_the_client(world: Bench, manager: Bearer) -> None:
    kept(manager, world)
    event = json.loads(Event.objects.order_by("-id")[0].canonical)
    assert (event["data"]["object"], event["data"]["change"], event["partner"]) == ("Golden token", "saved", "kestrel")
    assert event["actor"] == {"kind": "user", "name": "partner.manager@meridian.example", "via": "app"}


def test_a_call_that_is_sent_again_under_its_key_makes_one_case_and_keeps_no_token(
    world: Bench, manager: Bearer
) -> None:
    from portal.kept_answers import KeptAnswer  # noqa: PLC0415 - beside what it is about

    body = {"name": "Once", **asked(world)}
    first, again = (sent(manager, body, **{"idempotency-key": "case-1"}) for _ in range(2))
    assert (again.status_code, again.json(), again["Idempotent-Replayed"]) == (201, first.json(), "true")
    assert GoldenToken.objects.count() == 1
    row = KeptAnswer.objects.get()
    rows = row.body + json.dumps(row.headers) + bytes(row.request).hex()
    assert [part for part in body["subject_token"].split(".") if part in rows] == []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "golden_token_refused"),
    ({"name": "x" * 121}, "golden_token_refused"),
    ({"name": "Taken"}, "golden_token_refused"),
    ({"client": "ledger-service"}, "golden_token_refused"),
    ({"client": "nobody"}, "golden_token_refused"),
    ({"name": None}, "invalid_fields"),
    ({"subject_token": None}, "invalid_fields"),
    ({"draft": "0199e0c4-7c1e-7a40-a940-5b0e1f2391d2"}, "invalid_fields"),
]


def test_what_cannot_be_kept_is_said_and_nothing_is(world: Bench, manager: Bearer) -> None:
    kept(manager, world, "Taken")
    for changes, code in WRONG:
        body = {"name": "Another", **asked(world)} | changes
        answer = sent(manager, {name: value for name, value in body.items() if value is not None})
        assert (answer.status_code, answer.json()["code"]) == (422, code), (changes, answer.content)
    assert GoldenToken.objects.count() == 1


def test_a_name_that_will_not_do_is_refused_when_renaming_too(world: Bench, manager: Bearer) -> None:
    path = f"golden-tokens/{kept(manager, world)['id']}"
    etag = manager.call("GET", path)["ETag"]
    answer = manager.call("PATCH", path, '{"name": "a\\nb"}', **{"if-match": etag})
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "name")


def test_all_of_a_partner_are_tried_again_and_the_red_ones_are_named(world: Bench, manager: Bearer) -> None:
    kept(manager, world)
    kept(manager, world, "Silver may not", subject_token=None, subject_claims=claims_of(world, tier="silver"))
    run = manager.call("POST", "golden-tokens/run", '{"partner": "kestrel"}')
    assert (run.status_code, run.json()) == (200, {"tried": 2, "red": []})
    moved(value="silver")
    red = manager.call("POST", "golden-tokens/run", '{"partner": "kestrel"}').json()["red"]
    assert {case["name"]: case["found"] for case in red} == {
        "Gold may read": "refused at mapping: policy.mapping_rule_unmet",
        "Silver may not": "granted: ledger.read",
    }
    listed = manager.call("GET", "golden-tokens?partner=kestrel&state=red").json()["items"]
    assert manager.call("GET", "golden-tokens?state=green").json() == {"items": [], "next": None}
    assert sorted(listed, key=lambda case: case["id"]) == sorted(red, key=lambda case: case["id"])


def test_only_what_is_of_the_partner_is_tried(world: Bench, manager: Bearer) -> None:
    kept(manager, world)
    Partner.objects.create(slug="heron", name="Heron", state="active")
    assert manager.call("POST", "golden-tokens/run", '{"partner": "heron"}').json() == {"tried": 0, "red": []}
    unknown = manager.call("POST", "golden-tokens/run", '{"partner": "nobody"}')
    assert (unknown.status_code, unknown.json()["fields"][0]["field"]) == (422, "partner")


def test_what_is_in_the_way_of_a_draft_is_known_before_it_is_published(world: Bench, manager: Bearer) -> None:
    made = kept(manager, world)
    draft = drafted(rules=SILVER, author="somebody.else@meridian.example")
    (case,) = manager.call("GET", f"{PATH}/draft/blocked-by").json()["items"]
    assert (case["id"], case["is_green"]) == (made["id"], False)
    assert case["found"] == "refused at mapping: policy.mapping_rule_unmet"
    assert GoldenToken.objects.get().is_green, "nothing is written by looking"
    refused = manager.call("POST", f"{PATH}/publish")
    assert (refused.status_code, refused.json()["code"]) == (409, "golden_tokens_red"), refused.content
    assert "Gold may read" in refused.json()["detail"]
    ScopeMapping.objects.filter(pk=draft.id).update(rules=[])
    assert manager.call("GET", f"{PATH}/draft/blocked-by").json() == {"items": [], "next": None}
    assert manager.call("POST", f"{PATH}/publish").status_code == 200


def test_what_is_in_the_way_costs_the_same_however_many_there_are(
    world: Bench, manager: Bearer, bearer: Callable[..., Bearer]
) -> None:
    reader, path = bearer("reader", Permission.EXCHANGES_READ), f"{PATH}/draft/blocked-by"
    drafted(rules=SILVER)
    kept(manager, world)
    few = counted(reader, path)
    for number in range(3):
        kept(manager, world, f"Case {number}")
    assert counted(reader, path) == few <= 12
    assert len(reader.call("GET", path).json()["items"]) == 4


@pytest.mark.usefixtures("world")
def test_without_a_draft_nothing_can_be_in_its_way(manager: Bearer) -> None:
    assert manager.call("GET", f"{PATH}/draft/blocked-by").status_code == 404
