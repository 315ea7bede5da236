"""Who may open what: closed by default, opened by role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from portal.navigation import SECTIONS, landing_page, sections_for
from portal.permissions import OF_ROLE, roles_with
from portal.roles import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


OPEN = {"account_login", "account_logout", "account_inactive"}
EVERYBODY = {"home", "account"}
OPENED_BY = {
    "overview": {Role.SECURITY_ADMIN, Role.AUDITOR},
    "partners": {Role.SECURITY_ADMIN, Role.AUDITOR, Role.PARTNER_MANAGER},
    "exchanges": {Role.SECURITY_ADMIN, Role.AUDITOR, Role.PARTNER_MANAGER},
}
ARGUMENTS = {"slug": "kestrel", "reference": "0199e0c4-7c1e-7a40-a940-5b0e1f2391d2"}


def pages() -> Iterator[tuple[str, str]]:
    """The name and an address of every page of the portal's own."""
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name and pattern.callback.__module__.startswith("portal.views"):
            given = {name: ARGUMENTS[name] for name in pattern.pattern.converters}
            yield pattern.name, reverse(pattern.name, kwargs=given)


PAGES = sorted(pages())
GUARDED = [(name, address) for name, address in PAGES if name not in EVERYBODY]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "address"), PAGES)
def test_a_page_asks_who_is_there_first(name: str, address: str) -> None:
    answer = Client().get(address)
    assert answer.status_code == 302, name
    assert answer["Location"] == f"/sign-in?next={address}"


@pytest.mark.parametrize("role", [*Role, None])
@pytest.mark.usefixtures("organisation")
def test_a_page_opens_for_the_roles_that_have_it_and_for_no_other(
    signed_in: Callable[[Role | None], Client], role: Role | None
) -> None:
    browser = signed_in(role)
    for name, address in GUARDED:
        expected = {200, 404} if role in OPENED_BY[name.partition("-")[0]] else {403}
        answer = browser.get(address)
        assert answer.status_code in expected, (role, name)
        if answer.status_code == 403:
            assert "Ask a security admin" in answer.content.decode()


def test_the_table_of_this_test_is_the_table_of_the_roles() -> None:
    assert {section.name: set(roles_with(section.permission)) for section in SECTIONS} == OPENED_BY


@pytest.mark.parametrize(
    ("role", "page"),
    [
        (Role.SECURITY_ADMIN, "overview"),
        (Role.AUDITOR, "overview"),
        (Role.PARTNER_MANAGER, "partners"),
        (Role.APPROVER, "account"),
        (Role.ENGINEER, "account"),
        (Role.PARTNER_ADMIN, "account"),
    ],
)
def test_everybody_lands_where_their_work_is(signed_in: Callable[[Role | None], Client], role: Role, page: str) -> None:
    assert landing_page(OF_ROLE[role]) == page
    answer = signed_in(role).get("/", follow=True)
    assert answer.redirect_chain == [(reverse(page), 302)]
    assert answer.status_code == 200


def test_roles_add_up() -> None:
    both = OF_ROLE[Role.ENGINEER] | OF_ROLE[Role.PARTNER_MANAGER]
    assert [section.name for section in sections_for(both)] == ["partners", "exchanges"]


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
