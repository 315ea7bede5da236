"""A person lets a device in, with a real browser and without JavaScript (RFC 8628 section 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.e2e.conftest import CHROMIUM, QUIET
from tests.e2e.flows import Walk
from tests.e2e.looking import look
from tests.exchange.devices import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.exchange.devices import Site


@pytest.fixture(scope="module")
def site(services: Any, django_db_blocker: Any, static_files: Path) -> Iterator[Site]:
    """A server with the clients of devices."""
    with serving(services, django_db_blocker, static_files) as site:
        yield site


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:  # noqa: ARG001 - it is made before a browser is there
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


def arrive(page: Page, site: Site, address: str) -> None:
    """Open the address that the device shows; sign in on the way."""
    page.goto(address)
    page.get_by_label("E-mail address").fill(site.email)
    page.get_by_label("Password").fill(site.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Connect a device")).to_be_visible()


def test_a_person_enters_a_code_sees_who_asks_and_allows_it(site: Site, browser: Browser) -> None:
    codes = site.codes(scope="partners:read keys:read")
    context = browser.new_context()
    walk, page = Walk(context), context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type != "info" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    arrive(page, site, f"{site.server.url}/oauth/device")
    assert look(page, "device") == []
    page.get_by_label("Code").fill("zzzz-zzzz")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("No device waits with this code")
    assert look(page, "device-wrong") == []
    complaints.clear()  # the browser itself notes the status 422
    page.get_by_label("Code").fill(codes["user_code"].lower())
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Did somebody send you this code?")).to_be_visible()
    assert look(page, "device-confirm") == []
    page.goto(f"{site.server.url}/oauth/device")
    _allowed_and_withdrawn(walk, page, site, codes)
    assert complaints == []


def _allowed_and_withdrawn(walk: Walk, page: Page, site: Site, codes: dict[str, Any]) -> None:
    with walk.flow("let a device act for oneself", page):
        page.get_by_label("Code").fill(codes["user_code"].lower())
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("heading", name="Allow Kestrel terminal to act for you?")).to_be_visible()
        page.get_by_role("button", name="Allow access").click()
        expect(page.get_by_role("heading", name="Access allowed")).to_be_visible()
    assert look(page, "device-allowed") == []
    assert site.poll(codes).status_code == 200
    page.goto(f"{site.server.url}/account")
    with walk.flow("withdraw a consent", page):
        page.get_by_role("button", name="Withdraw the access of Kestrel terminal").click()
        expect(page.get_by_text("No client acts for you")).to_be_visible()


def test_it_works_without_javascript_and_with_the_address_that_holds_the_code(site: Site, browser: Browser) -> None:
    codes = site.codes()
    page = browser.new_page(java_script_enabled=False)
    arrive(page, site, codes["verification_uri_complete"])
    expect(page.get_by_label("Code")).to_have_value(codes["user_code"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("heading", name="Access refused")).to_be_visible()
    assert site.poll(codes).json()["error"] == "access_denied"
