"""Who may call what: every address, every method, every role and every scope, beside one table written out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from portal.api.endpoint import Endpoint
from portal.api.urls import ADDRESSES
from portal.permissions import OF_ROLE, Permission
from portal.roles import Role
from tests.api.rights import ANYBODY, ARGUMENTS, OURS_ONLY, TABLE
from tests.attacks import attack
from tests.portal import organisation as organisations

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer
    from tests.portal.organisation import Organisation

METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS")


def addressed(route: str) -> str:
    """An address with something in every place."""
    for place, value in ARGUMENTS.items():
        route = route.replace(place, value)
    assert "<" not in route
    return route


def is_lendable(needed: str | None) -> bool:
    """Whether a token can carry it. A partner's own side opens in a session alone."""
    return needed != Permission.CONNECT


def needs(route: str, method: str) -> str | None:
    """The permission by the table; None where the address does not take the method."""
    return TABLE[route].get("GET" if method == "HEAD" else method)


def test_the_table_has_every_address_and_no_other() -> None:
    assert {str(address.pattern) for address in ADDRESSES} == TABLE.keys()


def test_what_endpoints_ask_for_is_what_the_table_says() -> None:
    for address in ADDRESSES:
        view: Any = address.callback
        assert issubclass(view.cls, Endpoint)
        told = {method: permission or ANYBODY for method, permission in view.cls.needs.items()}
        assert told == TABLE[str(address.pattern)], address.pattern


@attack("A28")
@pytest.mark.usefixtures("organisation")
def test_a_call_passes_with_the_scope_and_with_no_other(bearer: Callable[..., Bearer]) -> None:
    """One after the other: what a call changes may make a later one miss something, and that is behind the door."""
    for route in TABLE:
        for method in METHODS:
            needed = needs(route, method)
            answer = bearer("clerk", needed or "").call(method, addressed(route), "{}" if method != "GET" else None)
            assert is_let_in(answer) == (needed is not None and is_lendable(needed)), (route, method)
            without = bearer("clerk", *set(Permission) - {needed}).call(method, addressed(route))
            if needed is not None and needed is not ANYBODY and is_lendable(needed):
                assert without.status_code == 403, (route, method)
                assert f'scope="{needed}"' in without["WWW-Authenticate"]


def is_let_in(answer: Any) -> bool:
    """Whether a call came past the door. Behind it one may still miss what is there, or not say which version."""
    assert answer.status_code < 500, answer.content
    return answer.status_code not in {401, 403, 405}


@attack("A28")
@pytest.mark.parametrize("role", [*Role, None])
def test_a_person_may_what_both_their_roles_and_the_scopes_allow(
    role: Role | None, organisation: Organisation, bearer: Callable[..., Bearer]
) -> None:
    person = organisations.person(role, email="someone@meridian.example")
    held = OF_ROLE[role] if role else frozenset()
    everything = bearer(person, *Permission)
    nothing = bearer(person)
    for route, methods in TABLE.items():
        for method, needed in methods.items():
            answer = everything.call(method, addressed(route))
            assert is_let_in(answer) == (is_lendable(needed) and needed in {*held, ANYBODY}), (route, role)
            if answer.status_code == 403:
                assert answer.json()["code"] == ("role_missing" if is_lendable(needed) else "session_needed")
            assert is_let_in(nothing.call(method, addressed(route))) == (needed is ANYBODY)
    assert organisation.kestrel.slug == "kestrel"


@pytest.mark.parametrize("role", [*Role, None])
def test_a_session_may_what_its_roles_allow_and_brings_the_forms_token_to_change_something(
    role: Role | None, organisation: Organisation
) -> None:
    person = organisations.person(role, email="someone@meridian.example")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person)
    held = OF_ROLE[role] if role else frozenset()
    listed = browser.get("/api/v1/partners")
    assert listed.status_code == (200 if Permission.PARTNERS_READ in held else 403)
    forged = browser.post("/api/v1/partners", "{}", content_type="application/json")
    assert (forged.status_code, forged.json()["code"]) == (403, "forbidden")
    assert "CSRF" in forged.json()["detail"]
    own = browser.get("/api/v1/connect/domain")
    assert own.status_code == (200 if Permission.CONNECT in held else 403)
    assert organisation.kestrel.state == "active"


@pytest.mark.django_db
def test_a_session_without_the_second_factor_that_its_role_demands_is_told_so(settings: Any) -> None:
    settings.HANDOVER = replace(settings.HANDOVER, second_factor_roles=frozenset({Role.AUDITOR}))
    for role, status in ((Role.AUDITOR, 403), (Role.PARTNER_MANAGER, 200)):
        browser = Client()
        browser.force_login(organisations.person(role, email=f"{role.name.lower()}@meridian.example"))
        answer = browser.get("/api/v1/partners")
        assert answer.status_code == status
        assert ("second_factor_missing" in answer.content.decode()) is (status == 403)


def test_nobody_is_let_in_without_a_session_and_without_a_token() -> None:
    for route in TABLE:
        answer = Client().get(f"/api/v1/{addressed(route)}")
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer["WWW-Authenticate"].startswith("Bearer ")


def test_the_token_of_a_person_who_left_opens_nothing(bearer: Callable[..., Bearer]) -> None:
    person = organisations.person(Role.SECURITY_ADMIN)
    assert bearer(person, "partners:read").call("GET", "partners").status_code == 200
    person.is_active = False
    person.save()
    assert bearer(person, "partners:read").call("GET", "partners").status_code == 401


def test_a_partners_clients_are_for_who_changes_partners_and_ours_for_who_changes_settings(
    organisation: Organisation, bearer: Callable[..., Bearer]
) -> None:
    """Otherwise a partner manager could take a secret of a client of ours that may do more than they (API5)."""
    from tests.world import add_client  # noqa: PLC0415 - beside its own organisation

    ours = add_client(None, "clerk", secret="s" * 43, scopes=["settings:write"])
    theirs = organisation.kestrel.clients.get(client_id="kestrel-settlement")
    manager = bearer(organisation.people[Role.PARTNER_MANAGER], *Permission)
    for calls in OURS_ONLY:
        method, path = calls
        assert manager.call(method, f"clients/{ours.pk}{path}", "{}").status_code == 403
        assert manager.call(method, f"clients/{theirs.pk}{path}", "{}").status_code != 403
    new = '{"name": "mine", "methods": ["client_secret_basic"], "scopes": ["settings:write"]}'
    assert manager.call("POST", "clients", new).status_code == 403
    assert bearer("clerk", "partners:write", "settings:write").call("POST", "clients", new).status_code == 201


def test_who_asks_what_they_may_is_told(organisation: Organisation, bearer: Callable[..., Bearer]) -> None:
    auditor = organisation.people[Role.AUDITOR]
    told = bearer(auditor, "partners:read", "partners:write").call("GET", "me").json()
    assert told == {
        "kind": "user",
        "name": auditor.email,
        "client": "app",
        "roles": ["Auditor"],
        "scopes": ["partners:read", "partners:write"],
        "permissions": ["partners:read"],
    }
    told = bearer("clerk", "revoke").call("GET", "me").json()
    assert (told["kind"], told["name"], told["permissions"]) == ("client", "clerk", ["revoke"])
