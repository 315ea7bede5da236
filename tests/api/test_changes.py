"""Changes by the API: each leaves one event that names the person and the client, and what is wrong changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from audit.models import Event
from partners import models
from portal.api.examples import EXAMPLES
from portal.permissions import Permission
from portal.roles import Role
from tests.attacks import attack
from tests.conformance.rules import OWN, rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer
    from tests.portal.organisation import Organisation

    Call = Callable[..., Any]


@pytest.fixture
def admin(organisation: Organisation, bearer: Callable[..., Bearer]) -> Bearer:
    """A security admin through the client ``app``."""
    return bearer(organisation.people[Role.SECURITY_ADMIN], *Permission)


def events() -> list[dict[str, Any]]:
    """Everything the trail says, oldest first."""
    return [json.loads(text) for text in Event.objects.order_by("id").values_list("canonical", flat=True)]


def changed(admin: Bearer, method: str, path: str, body: dict[str, Any] | None = None, /, **headers: str) -> Any:
    """The answer to a change that is made, and has left exactly one event in its author's name."""
    before = Event.objects.count()
    answer = admin.call(method, path, None if body is None else json.dumps(body), **headers)
    assert answer.status_code in {200, 201}, answer.content
    assert Event.objects.count() == before + 1
    row = Event.objects.order_by("-id")[0]
    actor = json.loads(row.canonical)["actor"]
    assert actor == {"kind": "user", "name": "security.admin@meridian.example", "via": "app"}
    assert str(row.correlation_id) == answer["X-Correlation-ID"]
    return answer


def tag(admin: Bearer, path: str) -> dict[str, str]:
    """The precondition for a change of what is there now."""
    answer = admin.call("GET", path)
    assert answer.status_code == 200
    return {"if-match": answer["ETag"]}


@rule(158, OWN)
@pytest.mark.usefixtures("organisation")
def test_every_write_leaves_one_event_in_the_name_of_the_person_and_the_client(admin: Bearer) -> None:
    changed(admin, "POST", "targets", EXAMPLES["NewTarget"] | {"name": "cargo", "audience": "https://cargo.example"})
    changed(admin, "PATCH", "targets/cargo", {"title": "Cargo"}, **tag(admin, "targets/cargo"))
    changed(admin, "DELETE", "targets/cargo/scopes/ledger.read", **tag(admin, "targets/cargo"))
    changed(admin, "POST", "partners", EXAMPLES["NewPartner"])
    changed(admin, "PATCH", "partners/osprey", EXAMPLES["PartnerChange"], **tag(admin, "partners/osprey"))
    trust = EXAMPLES["NewTrust"] | {"name": "second", "issuer": "https://second.kestrel.example"}
    changed(admin, "POST", "partners/kestrel/trusts", trust)
    path = "partners/kestrel/trusts/second"
    changed(admin, "PATCH", path, EXAMPLES["TrustChange"], **tag(admin, path))
    changed(admin, "POST", f"{path}/withdraw")
    path = "partners/kestrel/mappings/settle"
    changed(admin, "PATCH", f"{path}/draft", {"lifetime": "10m"}, **tag(admin, path))
    changed(admin, "DELETE", f"{path}/draft", **tag(admin, f"{path}/draft"))
    changed(admin, "POST", f"{path}/withdraw", {})
    made = changed(admin, "POST", "clients", EXAMPLES["NewClient"] | {"partner": "kestrel"}).json()
    path = f"clients/{made['id']}"
    changed(admin, "PATCH", path, EXAMPLES["ClientChange"], **tag(admin, path))
    changed(admin, "POST", f"{path}/secrets", {})
    changed(admin, "DELETE", f"{path}/secrets/1", **tag(admin, path))
    changed(admin, "POST", f"{path}/suspend")
    changed(admin, "POST", f"{path}/reinstate")
    changed(admin, "POST", "partners/kestrel/suspend")
    changed(admin, "POST", "partners/kestrel/reinstate")


@rule(148, "RFC 9700", "2.5")
def test_a_secret_is_shown_once_and_never_kept(admin: Bearer, organisation: Organisation) -> None:
    client = organisation.kestrel.clients.get(client_id="kestrel-settlement")
    path = f"clients/{client.pk}/secrets"
    first = admin.call("POST", path, json.dumps({"overlap": "24h"}), **{"idempotency-key": "rotate"})
    secret = first.json()["secret"]
    assert (first.status_code, len(secret)) == (201, 43)
    ends = {item["slot"]: item["expires_at"] for item in first.json()["secrets"]}
    assert sorted(end is None for end in ends.values()) == [False, True]
    again = admin.call("POST", path, json.dumps({"overlap": "24h"}), **{"idempotency-key": "rotate"})
    assert again.json() == first.json() | {"secret": None}
    assert again["Idempotent-Replayed"] == "true"
    from portal.kept_answers import KeptAnswer  # noqa: PLC0415 - beside what it is about

    assert all(secret not in row.body for row in KeptAnswer.objects.all())
    assert secret not in json.dumps(events())
    assert secret not in admin.call("GET", f"clients/{client.pk}").content.decode()


def test_the_document_that_was_read_can_be_sent_back_whole(admin: Bearer) -> None:
    read = admin.call("GET", "partners/kestrel")
    body = read.json() | {"title": "Kestrel & Sons"}
    answer = changed(admin, "PATCH", "partners/kestrel", body, **tag(admin, "partners/kestrel"))
    assert {name for name, value in answer.json().items() if read.json()[name] != value} == {"title", "updated_at"}


def test_what_does_not_lead_on_from_a_state_is_a_conflict_and_changes_nothing(admin: Bearer) -> None:
    before = Event.objects.count()
    answer = admin.call("POST", "partners/alder/suspend")
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
    assert "already" in answer.json()["detail"] or "suspended" in answer.json()["detail"]
    assert Event.objects.count() == before


def test_a_program_is_nobodys_second_person(organisation: Organisation, bearer: Callable[..., Bearer]) -> None:
    models.Partner.objects.filter(slug="orbit").update(state="tested")
    answer = bearer("clerk", *Permission).call("POST", "partners/orbit/activate")
    assert answer.status_code == 409
    assert models.Partner.objects.get(slug="orbit").state == "tested"
    assert organisation.fjord.state == "active"


def test_a_mapping_is_written_by_one_person_and_published_by_another(
    admin: Bearer, organisation: Organisation, bearer: Callable[..., Bearer]
) -> None:
    path = "partners/kestrel/mappings/payouts"
    new = {"name": "payouts", "trust": "kestrel-idp", "target": "ledger-api", "always": ["ledger.read"]}
    made = changed(admin, "POST", "partners/kestrel/mappings", new)
    assert (made["Location"], made.json()["state"]) == (f"/api/v1/{path}/draft", "draft")
    again = admin.call("POST", "partners/kestrel/mappings", json.dumps(new))
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    own = admin.call("POST", f"{path}/publish")
    assert (own.status_code, own.json()["code"]) == (409, "second_person_needed")
    program = bearer("clerk", *Permission).call("POST", f"{path}/publish")
    assert (program.status_code, program.json()["code"]) == (409, "second_person_needed")
    manager = bearer(organisation.people[Role.PARTNER_MANAGER], *Permission)
    stale = manager.call("POST", f"{path}/publish", None, **{"if-match": '"old"'})
    assert stale.status_code == 412
    published = manager.call("POST", f"{path}/publish", None, **tag(manager, f"{path}/draft"))
    assert published.status_code == 200, published.content
    assert {name: published.json()[name] for name in ("state", "version", "author")} == {
        "state": "published",
        "version": 1,
        "author": "security.admin@meridian.example",
    }
    assert manager.call("GET", f"{path}/draft").status_code == 404


WRONG: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("POST", "partners", {"name": "x", "title": "X", "colour": "red"}, 422, "colour"),
    ("POST", "partners", {"title": "X"}, 422, "name"),
    ("POST", "partners", {"name": "Not A Slug", "title": "X"}, 422, "name"),
    ("POST", "partners", {"name": "kestrel", "title": "X"}, 422, "name"),
    ("POST", "partners", {"name": "x", "title": "X" * 121}, 422, "title"),
    ("POST", "partners", {"name": "x", "title": "a\u202eb"}, 422, "title"),
    ("POST", "partners", {"name": "x", "title": 7}, 422, "title"),
    ("POST", "partners", {"name": "x", "title": "X", "state": "active"}, 422, "state"),
    ("POST", "partners", {"name": "x", "title": "X", "owner": "nobody@meridian.example"}, 422, "owner"),
    ("POST", "partners/kestrel/trusts", EXAMPLES["NewTrust"] | {"partner": "fjord"}, 422, "partner"),
    ("POST", "partners/kestrel/trusts", EXAMPLES["NewTrust"] | {"issuer": "http://x.example"}, 422, "issuer"),
    ("POST", "clients", EXAMPLES["NewClient"] | {"partner": "nobody"}, 422, "partner"),
    ("POST", "clients", EXAMPLES["NewClient"] | {"partner": "kestrel", "scopes": ["moon.walk"]}, 422, "scopes"),
    ("POST", "targets", EXAMPLES["NewTarget"], 422, "audience"),
]


@attack("A27")
@pytest.mark.parametrize(("method", "path", "body", "status", "field"), WRONG)
def test_a_wrong_field_is_named_and_nothing_is_changed(
    admin: Bearer, method: str, path: str, body: dict[str, Any], status: int, field: str
) -> None:
    before = Event.objects.count()
    answer = admin.call(method, path, json.dumps(body))
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, "invalid_fields"), told
    assert field in {item["field"] for item in told["fields"]}
    assert all(item["expected"] for item in told["fields"])
    assert answer["Content-Type"] == "application/problem+json"
    assert Event.objects.count() == before


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[]", "malformed_json"),
        ("{", "malformed_json"),
        ('{"name": "x", "name": "y"}', "malformed_json"),
        ('{"name": NaN}', "malformed_json"),
        ('{"a":' * 40 + "1" + "}" * 40, "malformed_json"),
        ('{"title": "\\ud800"}', "malformed_json"),
        ('{"title": "' + "x" * 70_000 + '"}', "malformed_json"),
    ],
)
def test_a_body_that_is_not_one_plain_object_is_refused(admin: Bearer, text: str, code: str) -> None:
    answer = admin.call("POST", "partners", text)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_character_that_no_text_can_have_is_named_by_its_place(admin: Bearer) -> None:
    answer = admin.call("POST", "partners", '{"name": "x", "title": "\\u0000", "a": [{"b": "\\u0000"}], "\\u0000": 1}')
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
    assert [one["field"] for one in answer.json()["fields"]] == ["title", "a[0].b", "\ufffd"]


def test_a_name_never_changes_and_another_partners_objects_are_not_there(admin: Bearer) -> None:
    answer = admin.call("PATCH", "partners/kestrel", '{"name": "falcon"}', **tag(admin, "partners/kestrel"))
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "name")
    for path in ("partners/fjord/trusts/kestrel-idp", "partners/fjord/mappings/settle", "partners/nobody/trusts"):
        assert admin.call("GET", path).status_code == 404
    stray = admin.call("PATCH", "partners/fjord/trusts/kestrel-idp", "{}", **{"if-match": "*"})
    assert stray.status_code == 404


def test_a_change_says_which_version_it_changes(admin: Bearer) -> None:
    answer = admin.call("PATCH", "partners/kestrel", '{"title": "K"}')
    assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")
    answer = admin.call("POST", "partners/kestrel/suspend", None, **{"if-match": '"old"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert answer.json()["current"]["state"] == "active"


def test_what_is_not_understood_is_said_in_the_same_form(admin: Bearer) -> None:
    assert admin.call("PUT", "partners").json()["code"] == "method_not_allowed"
    assert admin.call("GET", "partners", None, accept="text/html").json()["code"] == "not_acceptable"
    typed = admin.call("POST", "partners", "{}", **{"content-type": "text/plain"})
    assert (typed.status_code, typed.json()["code"]) == (415, "unsupported_media_type")


def test_a_key_belongs_to_one_call_of_one_caller(admin: Bearer, bearer: Callable[..., Bearer]) -> None:
    key, body = {"idempotency-key": "k-1"}, json.dumps(EXAMPLES["NewPartner"])
    first = admin.call("POST", "partners", body, **key)
    assert first.status_code == 201
    again = admin.call("POST", "partners", body, **key)
    assert (again.status_code, again.content, again["ETag"]) == (201, first.content, first["ETag"])
    other = admin.call("POST", "partners", json.dumps({"name": "other", "title": "Other"}), **key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    mine = bearer("clerk", *Permission).call("POST", "partners", body, **key)
    assert mine.json()["code"] == "invalid_fields"
    failed = admin.call("POST", "partners/alder/suspend", None, **{"idempotency-key": "k-2"})
    assert failed.status_code == 409
    models.Partner.objects.filter(slug="alder").update(state="active")
    assert admin.call("POST", "partners/alder/suspend", None, **{"idempotency-key": "k-2"}).status_code == 200
    bad = admin.call("POST", "partners/alder/reinstate", None, **{"idempotency-key": "x" * 256})
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid_idempotency_key")


def test_answers_are_kept_for_a_day_and_then_swept(admin: Bearer) -> None:
    from django.db.models import F  # noqa: PLC0415

    from portal.kept_answers import KEPT_FOR, KeptAnswer, sweep  # noqa: PLC0415

    key, body = {"idempotency-key": "k-1"}, json.dumps(EXAMPLES["NewPartner"])
    admin.call("POST", "partners", body, **key)
    assert (sweep(), KeptAnswer.objects.count()) == (0, 1)
    KeptAnswer.objects.update(created_at=F("created_at") - KEPT_FOR)
    assert admin.call("POST", "partners", body, **key).json()["code"] == "invalid_fields"
    assert (sweep(), KeptAnswer.objects.count()) == (1, 0)
