"""Lists, charts, keyboard and theme in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Visit
    from tests.e2e.portal_server import PortalServer


def test_a_filter_changes_the_list_without_a_new_page_and_the_address_with_it(visit: Callable[..., Visit]) -> None:
    window = visit()
    page = window.go("/exchanges")
    page.evaluate("document.body.dataset.same = 'yes'")
    with window.flow("filter exchanges"):
        page.get_by_label("Outcome").select_option("failed")
        expect(page.locator("#results tbody tr")).to_have_count(1)
    with window.flow("export exchanges"), page.expect_download() as saved:
        page.get_by_role("link", name="These as CSV").click()
    assert saved.value.suggested_filename.endswith(".csv")
    expect(page).to_have_url(re.compile(rf"{re.escape(window.portal.url)}/exchanges\?(.*&)?outcome=failed&"))
    expect(page.locator("#live")).to_have_text("1 exchange shown")
    assert page.locator("body").get_attribute("data-same") == "yes"
    page.go_back()
    expect(page.locator("#results tbody tr")).to_have_count(50)
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    assert window.complaints == []


def test_older_exchanges_are_one_click_away_and_the_list_stays_a_list(visit: Callable[..., Visit]) -> None:
    window = visit()
    page = window.go("/exchanges")
    first = page.locator("#results tbody tr a.lk").first.get_attribute("href")
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newer")).to_be_visible()
    assert page.locator("#results tbody tr a.lk").first.get_attribute("href") != first
    assert window.complaints == []


def test_a_reference_from_an_error_message_leads_to_its_trace(
    visit: Callable[..., Visit], portal: PortalServer
) -> None:
    window = visit()
    page = window.go("/overview")
    with window.flow("find an exchange by its reference"):
        page.keyboard.press("/")
        page.keyboard.type(str(portal.organisation.refused))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="The exchange was refused")).to_be_visible()
    page.get_by_text("Show").first.click()
    expect(page.get_by_text('"tier": "gold"')).to_be_visible()
    assert window.complaints == []


def test_a_reference_typed_into_the_filter_opens_a_whole_page(
    visit: Callable[..., Visit], portal: PortalServer
) -> None:
    page = visit().go("/exchanges")
    page.get_by_label("Reference, partner or client", exact=True).fill(str(portal.organisation.granted))
    page.get_by_role("button", name="Show exchanges").click()
    expect(page.get_by_role("heading", name="A token was granted")).to_be_visible()
    assert page.locator("h1").count() == 1


def test_partners_are_found_while_typing(visit: Callable[..., Visit]) -> None:
    page = visit().go("/partners")
    page.get_by_label("Name", exact=True).press_sequentially("fjo")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    expect(page.locator("#live")).to_have_text("1 partner shown")


def test_the_keyboard_reaches_the_content_first_and_reads_the_chart(visit: Callable[..., Visit]) -> None:
    window = visit()
    page = window.go("/overview")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.locator("ho-chart svg").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#live")).to_contain_text("Granted:")
    expect(page.locator("ho-chart .tip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("ho-chart .tip")).to_be_hidden()
    assert window.complaints == []


def test_the_menu_of_a_narrow_window_opens_and_escape_gives_the_focus_back(visit: Callable[..., Visit]) -> None:
    window = visit(width=390)
    page = window.go("/overview")
    menu = page.get_by_role("button", name="Open menu")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    menu.click()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(menu).to_be_focused()
    assert window.complaints == []


def test_a_chosen_theme_holds_over_pages_and_system_follows_the_system(visit: Callable[..., Visit]) -> None:
    window = visit(color_scheme="light")
    page = window.go("/overview")
    html = page.locator("html")
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("button", name="Dark").click()
    expect(html).to_have_attribute("data-bs-theme", "dark")
    window.go("/partners")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Account of").click()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="System").click()
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    assert window.complaints == []


def test_without_script_every_page_still_says_everything(visit: Callable[..., Visit]) -> None:
    window = visit(None, width=390, java_script_enabled=False)  # with a session of its own, which it ends
    window.sign_in()
    page = window.go("/overview")
    expect(page.locator("ho-chart svg")).to_be_visible()
    page.locator("details summary").click()
    expect(page.get_by_role("columnheader", name="Hour, UTC")).to_be_visible()
    window.go("/exchanges")
    page.get_by_label("Outcome").select_option("failed")
    page.get_by_role("button", name="Show exchanges").click()
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.locator("#results tbody a.lk").first.click()
    expect(page.get_by_role("heading", name="The exchange failed")).to_be_visible()
    expect(page.get_by_role("button", name="Copy the reference")).to_be_hidden()
    page.get_by_role("button", name="Account of").click()
    expect(page.get_by_text("Theme")).to_be_hidden()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
