"""Mappings for clients of our own by the API: written by one admin, published by another, and never by a program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from audit.models import Event
from partners import models
from portal.api.examples import EXAMPLES
from portal.permissions import Permission
from portal.roles import Role
from tests.portal import organisation as organisations
from tests.world import add_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer
    from tests.portal.organisation import Organisation

NIGHTLY = EXAMPLES["NewOwnMapping"] | {"target": "ledger-api"}
PATH = "own-mappings/nightly"


@pytest.fixture
def admin(organisation: Organisation, bearer: Callable[..., Bearer]) -> Bearer:
    """A security admin through the client ``app``, and the client of our own that the mapping is for."""
    add_client(None, "inventory-sync", secret="s" * 43)
    return bearer(organisation.people[Role.SECURITY_ADMIN], *Permission)


def post(caller: Bearer, path: str, body: Any = None, /, **headers: str) -> Any:
    return caller.call("POST", path, json.dumps(body or {}), **headers)


def test_one_of_our_own_is_written_by_one_and_published_by_another(
    admin: Bearer, bearer: Callable[..., Bearer]
) -> None:
    made = post(admin, "own-mappings", NIGHTLY)
    assert (made.status_code, made["Location"]) == (201, f"/api/v1/{PATH}/draft")
    assert (made.json()["partner"], made.json()["state"]) == (None, "draft")
    changed = admin.call("PATCH", f"{PATH}/draft", '{"lifetime": "10m"}', **{"if-match": made["ETag"]})
    assert changed.json()["lifetime"] == "10m"
    for caller in (admin, bearer("clerk", *Permission)):
        refused = post(caller, f"{PATH}/publish")
        assert (refused.status_code, refused.json()["code"]) == (409, "second_person_needed")
    other = bearer(organisations.person(Role.SECURITY_ADMIN, "ben@meridian.example"), *Permission)
    published = post(other, f"{PATH}/publish", None, **{"if-match": changed["ETag"]})
    assert (published.status_code, published.json()["state"], published.json()["version"]) == (200, "published", 1)
    assert [item["name"] for item in admin.call("GET", "own-mappings").json()["items"]] == ["nightly"]
    assert [item["version"] for item in admin.call("GET", f"{PATH}/versions").json()["items"]] == [1]
    assert admin.call("GET", "partners/kestrel/mappings/nightly").status_code == 404
    assert post(other, f"{PATH}/withdraw").json()["state"] == "withdrawn"
    late = post(other, f"{PATH}/withdraw")
    assert (late.status_code, late.json()["code"]) == (409, "illegal_transition")
    kinds = ("mapping.drafted", "mapping.published", "configuration.applied")
    told = Event.objects.filter(kind__in=kinds, partner_id=None).order_by("id").values_list("kind", flat=True)
    assert list(told) == ["mapping.drafted", "mapping.drafted", "mapping.published", "configuration.applied"]


def test_a_draft_is_discarded_and_whoever_was_second_sees_the_first_ones(admin: Bearer) -> None:
    made = post(admin, "own-mappings", NIGHTLY)
    again = post(admin, "own-mappings", NIGHTLY)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    admin.call("PATCH", f"{PATH}/draft", '{"lifetime": "10m"}', **{"if-match": made["ETag"]})
    stale = admin.call("DELETE", f"{PATH}/draft", None, **{"if-match": made["ETag"]})
    assert (stale.status_code, stale.json()["current"]["lifetime"]) == (412, "10m")
    now = admin.call("GET", f"{PATH}/draft")["ETag"]
    assert admin.call("DELETE", f"{PATH}/draft", None, **{"if-match": now}).json()["name"] == "nightly"
    assert admin.call("GET", PATH).status_code == 404
    assert not models.ScopeMapping.objects.filter(partner=None).exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"partner": "kestrel"}, "partner"),
        ({"source": "trust", "trust": "kestrel-idp"}, "partner"),
        ({"clients": ["kestrel-settlement"]}, "clients"),
        ({"grants": {"a": ["ledger.read"]}}, "grants"),
    ],
)
def test_one_of_our_own_reaches_into_no_partner(admin: Bearer, fields: dict[str, Any], field: str) -> None:
    refused = post(admin, "own-mappings", NIGHTLY | fields)
    assert refused.status_code == 422, refused.content
    assert field in [item["field"] for item in refused.json()["fields"]]
    assert not models.ScopeMapping.objects.filter(name="nightly").exists()


def test_no_mapping_of_ours_moves_to_a_partner(admin: Bearer) -> None:
    made = post(admin, "own-mappings", NIGHTLY)
    moved = admin.call("PATCH", f"{PATH}/draft", '{"partner": "kestrel"}', **{"if-match": made["ETag"]})
    assert (moved.status_code, [item["field"] for item in moved.json()["fields"]]) == (422, ["partner"])


def test_whoever_only_looks_after_partners_writes_none_of_ours(
    organisation: Organisation, bearer: Callable[..., Bearer]
) -> None:
    manager = bearer(organisation.people[Role.PARTNER_MANAGER], *Permission)
    refused = post(manager, "own-mappings", NIGHTLY)
    assert (refused.status_code, refused.json()["code"]) == (403, "role_missing")
    assert manager.call("GET", "own-mappings").json() == {"items": [], "next": None}
