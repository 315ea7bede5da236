"""A person lets a device in, with a real browser and without JavaScript (RFC 8628 section 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from tests.e2e.conftest import CHROMIUM, QUIET
from tests.e2e.test_every_page import OPTIONS, RUN_AXE, every_view
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


def check(page: Page, name: str) -> None:
    """The page is accessible and within the window, in both themes and at all widths."""
    page.evaluate(Axe().axe_script)
    problems = []
    for view in every_view(page, name):
        problems += [f"{view}: {rule}: {html}" for rule, html in page.evaluate(RUN_AXE, OPTIONS)]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            problems.append(f"{view}: wider than the window")
    assert problems == []


def test_a_person_enters_a_code_sees_who_asks_and_allows_it(site: Site, browser: Browser) -> None:
    codes = site.codes(scope="partners:read keys:read")
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type != "info" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    arrive(page, site, f"{site.server.url}/oauth/device")
    check(page, "device")
    page.get_by_label("Code").fill("zzzz-zzzz")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("No device waits with this code")
    check(page, "device-wrong")
    complaints.clear()  # the browser itself notes the status 422
    page.get_by_label("Code").fill(codes["user_code"].lower())
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Allow Kestrel terminal to act for you?")).to_be_visible()
    expect(page.get_by_text("Did somebody send you this code?")).to_be_visible()
    check(page, "device-confirm")
    page.get_by_role("button", name="Allow access").click()
    expect(page.get_by_role("heading", name="Access allowed")).to_be_visible()
    check(page, "device-allowed")
    assert complaints == []
    assert site.poll(codes).status_code == 200


def test_it_works_without_javascript_and_with_the_address_that_holds_the_code(site: Site, browser: Browser) -> None:
    codes = site.codes()
    page = browser.new_page(java_script_enabled=False)
    arrive(page, site, codes["verification_uri_complete"])
    expect(page.get_by_label("Code")).to_have_value(codes["user_code"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("heading", name="Access refused")).to_be_visible()
    assert site.poll(codes).json()["error"] == "access_denied"
