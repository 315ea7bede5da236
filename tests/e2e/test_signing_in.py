"""Signing in and out in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from portal.roles import Role
from tests.portal.organisation import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Visit
    from tests.e2e.portal_server import PortalServer


@pytest.mark.parametrize(
    ("role", "page", "sections"),
    [
        (Role.AUDITOR, "/overview", ["Overview", "Partners", "Effective access", "Exchanges", "Simulator"]),
        (Role.PARTNER_MANAGER, "/partners", ["Partners", "Effective access", "Exchanges", "Simulator"]),
        (Role.ENGINEER, "/account", []),
    ],
)
def test_a_person_lands_on_the_page_of_their_role_and_sees_its_sections(
    visit: Callable[..., Visit], role: Role, page: str, sections: list[str]
) -> None:
    window = visit(None)
    window.sign_in(role)
    assert window.page.url == f"{window.portal.url}{page}"
    links = window.page.get_by_role("navigation", name="Main").get_by_role("link")
    assert links.all_inner_texts() == ["Handover", *sections]
    assert window.complaints == []


def test_a_page_asked_for_is_reached_after_signing_in_and_closed_after_signing_out(
    visit: Callable[..., Visit], portal: PortalServer
) -> None:
    window = visit(None)
    page = window.go("/partners/kestrel/trust")
    page.get_by_label("E-mail address").fill(portal.organisation.people[Role.AUDITOR].email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Kestrel Payments")).to_be_visible()
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Kestrel Payments")).to_have_count(0)
    assert window.complaints == []


@pytest.mark.usefixtures("portal")
def test_what_is_wrong_is_said_once_at_the_top_where_the_focus_goes(
    visit: Callable[..., Visit],
) -> None:
    page = visit(None).go("/sign-in")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.get_by_label("E-mail address").fill("somebody.else@meridian.example")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("No account has this e-mail address and password.")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_value("")


def test_sessions_are_ended_by_their_owner_and_by_an_admin(visit: Callable[..., Visit], portal: PortalServer) -> None:
    first, second, admin = visit(None), visit(None), visit(None)
    for window in (first, second):
        window.sign_in(Role.APPROVER)
    second.go("/account")
    with second.flow("end another session of one's own"):
        second.page.get_by_role("button", name="End all other sessions").click()
        expect(second.page.get_by_text("You are signed in nowhere else.")).to_be_visible()
    first.go("/account")
    expect(first.page.get_by_role("heading", name="Sign in")).to_be_visible()
    admin.sign_in()
    page = admin.go(f"/people/{portal.organisation.people[Role.APPROVER].pk}")
    with admin.flow("end the sessions of a person"):
        page.get_by_role("button", name="End 1 session").click()
        expect(page.get_by_role("button", name="End 1 session")).to_have_count(0)
    second.go("/account")
    expect(second.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert first.complaints == second.complaints == admin.complaints == []
