"""People, golden tokens and effective access by the API: the same rules as the pages, one event each, letters sent."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.core import mail

from audit.models import Event
from exchange.models import GoldenToken
from portal.models import User
from portal.permissions import Permission
from portal.roles import Role
from tests.portal import organisation as organisations
from tests.portal.test_consents import lend

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer
    from tests.portal.organisation import Organisation


@pytest.fixture
def admin(organisation: Organisation, bearer: Callable[..., Bearer]) -> Bearer:
    """A security admin through the client ``app``."""
    return bearer(organisation.people[Role.SECURITY_ADMIN], *Permission)


def events() -> list[str]:
    return list(Event.objects.filter(kind__startswith="person.").order_by("id").values_list("kind", flat=True))


def post(admin: Bearer, path: str, **body: Any) -> Any:
    return admin.call("POST", path, json.dumps(body))


def test_somebody_is_invited_once_however_often_the_call_is_sent(admin: Bearer) -> None:
    body, key = json.dumps({"email": "mei@meridian.example", "name": "Mei", "roles": ["Auditor"]}), "k-1"
    first = admin.call("POST", "people", body, **{"idempotency-key": key})
    again = admin.call("POST", "people", body, **{"idempotency-key": key})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    mei = User.objects.get(email="mei@meridian.example")
    assert first["Location"] == f"/api/v1/people/{mei.pk}"
    assert first.json()["roles"] == ["Auditor"]
    (letter,) = mail.outbox
    (token,) = re.findall(r"/welcome/([\w-]{43})", str(letter.body))
    assert token not in first.content.decode()
    assert events() == ["person.invited", "person.role_given", "person.link_sent"]
    taken = post(admin, "people", email="MEI@meridian.example", name="Mei", roles=[])
    assert (taken.status_code, taken.json()["code"]) == (409, "not_possible")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "no address", "name": "Mei"}, "email"),
        ({"email": "mei@meridian.example", "name": ""}, "name"),
        ({"email": "mei@meridian.example", "name": "Mei", "roles": ["root"]}, "roles[0]"),
        ({"email": "mei@meridian.example", "name": "Mei", "is_superuser": True}, "is_superuser"),
        ({"email": ["x"], "name": "Mei"}, "email"),
    ],
)
def test_a_wrong_invitation_names_its_field(admin: Bearer, body: dict[str, Any], field: str) -> None:
    answer = post(admin, "people", **body)
    assert (answer.status_code, [item["field"] for item in answer.json()["fields"]]) == (422, [field])
    assert events() == []


def test_roles_accounts_and_sessions_are_changed_with_an_event_each(admin: Bearer) -> None:
    lena = organisations.person(None, "lena@meridian.example", "Lena")
    path = f"people/{lena.pk}"
    assert post(admin, f"{path}/give-role", role="Auditor").json()["roles"] == ["Auditor"]
    assert post(admin, f"{path}/take-role", role="Auditor").json()["roles"] == []
    assert admin.call("POST", f"{path}/close").json()["is_active"] is False
    refused = admin.call("POST", f"{path}/send-link")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_possible")
    assert admin.call("POST", f"{path}/open").json()["is_active"] is True
    assert admin.call("POST", f"{path}/send-link").status_code == 200
    assert len(mail.outbox) == 1
    other = organisations.person(None, "lena.admin@meridian.example")
    linked = post(admin, f"{path}/link", email=other.email)
    assert linked.json()["linked"] == [other.email]
    assert admin.call("POST", f"{path}/unlink").json()["linked"] == []
    assert admin.call("POST", f"{path}/end-sessions").json()["sessions"] == 0
    assert events() == [
        "person.role_given", "person.role_taken", "person.disabled", "person.enabled", "person.link_sent",
        "person.accounts_linked", "person.account_unlinked",
    ]  # fmt: skip


def test_nobody_changes_their_own_rights_and_no_program_changes_anybodys(
    admin: Bearer, organisation: Organisation, bearer: Callable[..., Bearer]
) -> None:
    own = organisation.people[Role.SECURITY_ADMIN]
    refused = post(admin, f"people/{own.pk}/give-role", role="Auditor")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_possible")
    clerk = bearer("clerk", *Permission)
    lena = organisations.person(None, "lena@meridian.example")
    for path, body in (("give-role", {"role": "Security admin"}), ("close", {}), ("send-link", {})):
        refused = post(clerk, f"people/{lena.pk}/{path}", **body)
        assert (refused.status_code, refused.json()["code"]) == (409, "person_needed")
    assert post(clerk, "people", email="x@meridian.example", name="X").json()["code"] == "person_needed"
    assert post(admin, f"people/{uuid4()}/give-role", role="Auditor").status_code == 404
    assert events() == []


def test_people_are_listed_page_by_page_and_narrowed(admin: Bearer) -> None:
    User.objects.bulk_create(User(email=f"p{number:03}@meridian.example") for number in range(60))
    first = admin.call("GET", "people").json()
    second = admin.call("GET", f"people?cursor={first['next']}").json()
    emails = [item["email"] for item in first["items"] + second["items"]]
    assert emails == sorted(emails)
    assert second["next"] is None
    assert len(emails) == User.objects.count()
    narrowed = admin.call("GET", "people?role=Auditor&state=open").json()["items"]
    assert [item["roles"] for item in narrowed] == [["Auditor"]]
    assert admin.call("GET", "people?role=root").json()["code"] == "invalid_parameter"


def test_consents_are_seen_and_withdrawn(admin: Bearer, organisation: Organisation) -> None:
    lena = organisations.person(None, "lena@meridian.example")
    client = organisation.kestrel.clients.get(client_id="kestrel-settlement")
    lend(lena, client)
    (item,) = admin.call("GET", f"people/{lena.pk}/consents").json()["items"]
    assert (item["client_id"], item["scopes"]) == ("kestrel-settlement", ["partners:read"])
    assert admin.call("DELETE", f"people/{lena.pk}/consents/{client.pk}").status_code == 200
    assert admin.call("GET", f"people/{lena.pk}/consents").json()["items"] == []
    assert admin.call("DELETE", f"people/{lena.pk}/consents/{uuid4()}").status_code == 404
    assert events() == ["person.consent_withdrawn"]


def test_effective_access_is_told_by_partner_target_scope_and_moment(admin: Bearer) -> None:
    items = admin.call("GET", "access?target=ledger-api&scope=ledger.write").json()["items"]
    (way,) = [item for item in items if item["client"] == "kestrel-settlement"]
    assert (way["partner"], way["mapping"], way["version"], way["is_certain"]) == ("kestrel", "settle", 3, False)
    assert "ledger.write" in way["scopes"]
    assert admin.call("GET", "access?partner=fjord").json() == {"items": [], "next": None}
    assert admin.call("GET", "access?at=2020-01-01T00:00:00Z").json()["items"] == []
    for wrong in ("2020-01-01", "9999-01-01T00:00:00Z", "x"):
        assert admin.call("GET", f"access?at={wrong}").json()["code"] == "invalid_parameter"


def test_golden_tokens_are_listed_renamed_and_deleted(admin: Bearer, organisation: Organisation) -> None:
    from django.utils import timezone  # noqa: PLC0415 - beside what it dates

    end = {"outcome": "refused", "reason": "token.expired", "step": "subject_token"}
    made = GoldenToken.objects.create(
        partner=organisation.kestrel, name="gold", question={"client_id": "kestrel-settlement"},
        expected=end, found=end, author="ada@meridian.example", checked_at=timezone.now(), checked_epoch=1,
    )  # fmt: skip
    path = f"golden-tokens/{made.pk}"
    (item,) = admin.call("GET", "golden-tokens?partner=kestrel").json()["items"]
    read = admin.call("GET", path)
    assert item == read.json()
    assert (item["name"], item["client"], item["is_green"]) == ("gold", "kestrel-settlement", True)
    renamed = admin.call("PATCH", path, '{"name": "silver"}', **{"if-match": read["ETag"]})
    assert renamed.json()["name"] == "silver"
    assert admin.call("PATCH", path, '{"name": 7}', **{"if-match": renamed["ETag"]}).status_code == 422
    assert admin.call("DELETE", path, None, **{"if-match": renamed["ETag"]}).json()["name"] == "silver"
    assert admin.call("GET", path).status_code == 404
    assert admin.call("POST", f"{path}/run").status_code == 404
