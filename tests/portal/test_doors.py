"""Who may open what: closed by default, opened by role. Every view, every role, reading and writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from portal.navigation import SECTIONS, landing_page, sections_for
from portal.permissions import OF_ROLE, Permission
from portal.roles import Role
from portal.scopes import API_SCOPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


OPEN = {
    "account-start-over",
    "account-welcome",
    "account_inactive",
    "account_login",
    "account_logout",
    "invitation",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "openid-callback",
    "openid_sign_in",
}
"""Open to anybody: the ways in and out."""

OWN = {
    "account",
    "account-consent-withdraw",
    "account-password",
    "account-second-factor",
    "account-session-end",
    "account-sessions-end",
    "account_confirm_again",
    "account_reauthenticate",
    "home",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_deactivate_totp",
    "mfa_edit_webauthn",
    "mfa_generate_recovery_codes",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_remove_webauthn",
    "mfa_view_recovery_codes",
    "openid_confirm",
    "openid_connect",
}
"""Open to everybody who is signed in: they show and change one's own account alone."""

EVERYTHING = (
    "partners:read partners:write mappings:publish exchanges:read elevation:request elevation:decide elevation:read "
    "revoke keys:read keys:write audit:read audit:export settings:write"
)
TABLE = {
    Role.SECURITY_ADMIN: EVERYTHING,
    Role.PARTNER_MANAGER: "partners:read partners:write mappings:publish exchanges:read",
    Role.APPROVER: "elevation:read elevation:decide",
    Role.ENGINEER: "elevation:read elevation:request",
    Role.AUDITOR: "partners:read exchanges:read elevation:read keys:read audit:read audit:export",
    Role.PARTNER_ADMIN: "connect",
}
"""What each role may do, written down a second time: a change of the one without the other is a mistake."""

VALUES: dict[str, Any] = {
    "SlugConverter": "kestrel",
    "IntConverter": 1,
    "UUIDConverter": "0199e0c4-7c1e-7a40-a940-5b0e1f2391d2",
    "StringConverter": "0199e0c4-7c1e-7a40-a940-5b0e1f2391d2",
    "PathConverter": "kestrel/settlement",
}


def doors() -> Iterator[tuple[str, str, Permission | None]]:
    """The name, an address and the permission of every view of the pages, from the URL configuration."""
    for pattern, converters in patterns(get_resolver().url_patterns, {}):
        given = {name: VALUES[type(kind).__name__] for name, kind in converters.items()}
        permission: Permission | None = getattr(pattern.callback, "permission", None)
        yield str(pattern.name), reverse(str(pattern.name), kwargs=given), permission


def patterns(found: list[Any], above: dict[str, Any]) -> Iterator[tuple[URLPattern, dict[str, Any]]]:
    """Every named address of the pages; the API and the endpoints below /oauth/ have tests of their own."""
    for pattern in found:
        converters = {**above, **pattern.pattern.converters}
        if isinstance(pattern, URLResolver):
            if str(pattern.pattern) not in {"oauth/", "api/"}:
                yield from patterns(pattern.url_patterns, converters)
        elif pattern.name and not str(pattern.pattern).startswith("oauth/"):
            yield pattern, converters


DOORS = sorted(doors())
CLOSED = [(name, address) for name, address, _ in DOORS if name not in OPEN]
GUARDED = [(name, address, permission) for name, address, permission in DOORS if permission is not None]


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_page_asks_who_is_there_first(method: str) -> None:
    for name, address in CLOSED:
        answer = getattr(Client(), method)(address)
        assert (name, answer.status_code) == (name, 302)
        assert unquote(answer["Location"]) == f"/sign-in?next={unquote(address)}"


def test_every_view_says_what_it_needs_or_is_known_to_need_nothing() -> None:
    assert {name for name, _, permission in DOORS if permission is None} == OPEN | OWN


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("role", [*Role, None])
@pytest.mark.usefixtures("organisation")
def test_a_page_opens_for_the_roles_that_have_it_and_for_no_other(
    signed_in: Callable[[Role | None], Client], role: Role | None, method: str
) -> None:
    browser = signed_in(role)
    allowed = set(TABLE[role].split()) if role else set()
    for name, address, permission in GUARDED:
        answer = getattr(browser, method)(address)
        assert (name, answer.status_code == 403) == (name, permission not in allowed)
        assert answer.status_code < 500
        if answer.status_code == 403:
            assert "Ask a security admin" in answer.content.decode()


def test_the_table_of_the_permissions_is_this_one_and_their_names_are_the_scopes_of_our_api() -> None:
    assert {role: set(held) for role, held in OF_ROLE.items()} == {role: set(TABLE[role].split()) for role in Role}
    scopes = {str(permission) for permission in Permission} - {Permission.CONNECT}
    assert scopes == set(API_SCOPES) == set(EVERYTHING.split())


@pytest.mark.parametrize("role", [*Role, None])
def test_everybody_may_look_after_their_own_account(signed_in: Callable[[Role | None], Client], role: Role) -> None:
    cache.clear()
    browser = signed_in(role)
    assert browser.get("/account").status_code == 200
    for name, address, _ in DOORS:
        if name in OWN:
            assert (name, browser.get(address).status_code) in {(name, 200), (name, 302), (name, 404), (name, 405)}


@pytest.mark.parametrize(
    ("role", "page"),
    [
        (Role.SECURITY_ADMIN, "overview"),
        (Role.AUDITOR, "overview"),
        (Role.PARTNER_MANAGER, "partners"),
        (Role.APPROVER, "account"),
        (Role.ENGINEER, "account"),
        (Role.PARTNER_ADMIN, "connect"),
    ],
)
def test_everybody_lands_where_their_work_is(signed_in: Callable[[Role | None], Client], role: Role, page: str) -> None:
    assert landing_page(OF_ROLE[role]) == page
    answer = signed_in(role).get("/", follow=True)
    assert answer.redirect_chain == [(reverse(page), 302)]
    assert answer.status_code == 200


def test_roles_add_up() -> None:
    both = OF_ROLE[Role.ENGINEER] | OF_ROLE[Role.PARTNER_MANAGER]
    assert [section.name for section in sections_for(both)] == ["partners", "access", "exchanges", "simulator"]


@pytest.mark.parametrize("role", list(Role))
def test_the_navigation_has_no_dead_link(signed_in: Callable[[Role | None], Client], role: Role) -> None:
    browser = signed_in(role)
    page = browser.get("/account").content.decode()
    for section in SECTIONS:
        assert (f'href="{reverse(section.name)}"' in page.partition("</nav>")[0]) is (
            section.permission in OF_ROLE[role]
        )
        if section.permission in OF_ROLE[role]:
            assert browser.get(reverse(section.name)).status_code == 200


def test_a_person_without_a_role_is_told_whom_to_ask(signed_in: Callable[[Role | None], Client]) -> None:
    page = signed_in(None).get("/account").content.decode()
    assert "You have no role yet" in page


@pytest.mark.parametrize("address", ["/overview", "/partners", "/exchanges", "/account", "/"])
def test_pages_only_answer_questions(browser: Client, address: str) -> None:
    assert browser.post(address).status_code == 405
