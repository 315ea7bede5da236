"""What calls answer without keeping anything: the day in figures, what a text is, and the way to a first exchange."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from exchange.examining import Check, Finding
from partners.models import Registry
from portal.permissions import Permission
from portal.roles import Role
from tests.signers import make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer
    from tests.portal.organisation import Organisation


@pytest.fixture
def admin(organisation: Organisation, bearer: Callable[..., Bearer]) -> Bearer:
    return bearer(organisation.people[Role.SECURITY_ADMIN], *Permission)


def read(admin: Bearer, path: str) -> Any:
    answer = admin.call("GET", path)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_overview_counts_the_day_and_says_what_is_pressing(admin: Bearer) -> None:
    told = read(admin, "overview")
    assert len(told["hours"]) == 24
    for outcome in ("granted", "refused", "failed"):
        assert told[outcome] == sum(hour[outcome] for hour in told["hours"]) > 0
    assert told["partners"] == {"active": 2, "draft": 1, "suspended": 1}
    assert told["busiest"][0]["partner"] == "kestrel"
    assert {"concern": "keys_ending", "partner": "fjord"}.items() <= told["attention"][0].items()
    assert "token.expired" in [one["reason"] for one in told["reasons"]]


def test_a_text_is_found_under_whatever_it_can_mean(admin: Bearer, organisation: Organisation) -> None:
    (event,) = read(admin, f"search?text={organisation.refused}")["exchanges"]
    assert read(admin, f"exchanges/{event['id']}")["reference"] == event["reference"]
    found = read(admin, "search?text=kestrel")
    assert {"name": "kestrel", "title": "Kestrel Payments", "state": "active"} in found["partners"]
    assert {"kestrel-settlement", "kestrel-reports"} <= {one["client_id"] for one in found["clients"]}
    assert {one["partner"] for one in found["clients"]} == {"kestrel"}
    for query in ("", "?text=", "?text=x", f"?text={'x' * 129}", "?text=%00%00"):
        refused = admin.call("GET", f"search{query}")
        assert (refused.status_code, refused.json()["parameter"]) == (400, "text"), query


def test_an_issuer_is_examined_before_it_is_trusted_and_nothing_of_it_is_kept(admin: Bearer) -> None:
    def examined(**body: Any) -> Any:
        return admin.call("POST", "partners/kestrel/examine", json.dumps(body))

    epoch, key = Registry.objects.get().epoch, make_key("ES256")
    good = examined(jwks=public_jwks(key)).json()
    assert (good["is_good"], [one["kid"] for one in good["keys"]]) == (True, [key.kid])
    assert [one["check"] for one in good["checks"]] == [Check.KEYS, Check.STRENGTH]
    private = examined(issuer="https://127.0.0.1:9").json()
    assert (private["is_good"], private["keys"]) == (False, [])
    assert [(one["check"], one["finding"]) for one in private["checks"]] == [(Check.ADDRESS, Finding.FAILED)]
    for body, named in (
        ({}, ["issuer"]),
        ({"issuer": "ftp://x"}, ["issuer"]),
        ({"jwks": {}, "issuer": "https://idp.example"}, ["issuer", "jwks"]),
    ):
        refused = examined(**body)
        assert (refused.status_code, [one["field"] for one in refused.json()["fields"]]) == (422, named), body
    assert admin.call("POST", "partners/nobody/examine", '{"jwks": {"keys": []}}').status_code == 404
    assert Registry.objects.get().epoch == epoch


def test_what_a_test_exchange_needs_is_told_until_it_has_come(admin: Bearer) -> None:
    new = read(admin, "partners/orbit/rehearsal")
    assert [one["is_met"] for one in new["needs"]] == [False] * 3
    assert all(one["words"] for one in new["needs"])
    assert (new["exchange"], new["ways"]) == (None, [])
    known = read(admin, "partners/kestrel/rehearsal")
    ways = [(one["client_id"], one["mapping"]) for one in known["ways"]]
    assert ("kestrel-settlement", "settle") in ways
    assert [one["words"] for one in known["needs"] if one["is_met"]] == [None, None]


def test_what_a_client_sends_is_told_without_its_secret(admin: Bearer) -> None:
    told = read(admin, "partners/kestrel/integration?client=kestrel-settlement")
    assert (told["client_id"], told["audience"]) == ("kestrel-settlement", "https://ledger.meridian.example")
    assert [one["language"] for one in told["snippets"]] == ["curl", "Python", "JavaScript"]
    assert all("CLIENT_SECRET" in one["text"] for one in told["snippets"])
    assert read(admin, "partners/kestrel/integration")["client_id"] == "kestrel-reports"
    assert admin.call("GET", "partners/kestrel/integration?client=fjord-nightly").status_code == 404
