"""The partner's side in the browser: the links that let somebody in, and an exchange tried without leaving the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from portal.roles import Role
from tests.e2e import links
from tests.e2e.looking import OPTIONS, RUN_AXE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Visit


def test_a_partners_admin_tries_an_exchange_and_is_told_what_was_wrong_with_it(visit: Callable[..., Visit]) -> None:
    window = visit(Role.PARTNER_ADMIN, width=390)
    page = window.go("/connect")
    page.get_by_role("link", name="Try an exchange").click()
    page.get_by_label("A token of your issuer").fill("this is no token")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", name="The request would be refused")).to_be_visible()
    expect(page.get_by_label("A token of your issuer")).to_have_value("")
    page.evaluate(Axe().axe_script)
    assert page.evaluate(RUN_AXE, OPTIONS) == []
    assert window.complaints == []


def test_the_button_behind_a_mailed_link_signs_in_once(visit: Callable[..., Visit]) -> None:
    window = visit(None)
    page = window.go(f"/welcome/{links.PRESSED}")
    expect(page.get_by_text(links.ZOE)).to_be_visible()
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{window.portal.url}/account")
    expect(page.get_by_role("button", name="Account of")).to_be_visible()
    assert window.complaints == []
    window.go(f"/welcome/{links.PRESSED}")
    expect(page.get_by_role("button", name="Sign in")).to_have_count(0)


def test_the_button_of_an_invitation_leads_to_the_connection_of_that_partner(visit: Callable[..., Visit]) -> None:
    window = visit(None)
    page = window.go(f"/invitation/{links.PRESSED}")
    with window.flow("accept an invitation"):
        page.get_by_role("button", name="Accept the invitation").click()
        expect(page).to_have_url(f"{window.portal.url}/connect")
    expect(page.get_by_role("heading", name="Connect Kestrel Payments")).to_be_visible()
    expect(page.get_by_text("The link that brought you here works no more.")).to_be_visible()
    assert window.complaints == []
