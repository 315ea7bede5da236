"""Every page in both themes at three widths: accessible, silent, within the window, and asking nobody else.

``HANDOVER_SCREENSHOTS=DIRECTORY`` keeps the pictures that the documentation shows.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from portal.roles import Role
from tests.e2e.conftest import Visit, session_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.e2e.portal_server import PortalServer

ADDRESSES = {
    "sign-in": "/sign-in",
    "overview": "/overview",
    "partners": "/partners",
    "partner": "/partners/kestrel",
    "partner-trust": "/partners/kestrel/trust",
    "partner-keys-failing": "/partners/fjord/trust",
    "partner-clients": "/partners/kestrel/clients",
    "partner-mappings": "/partners/kestrel/mappings",
    "partner-activity": "/partners/kestrel/activity",
    "partner-registering": "/register-partner",
    "partner-trusting": "/partners/orbit/trust/new",
    "partner-mapping": "/partners/kestrel/mappings/settle/edit",
    "partner-suspending": "/partners/kestrel/acts/suspend",
    "partner-empty": "/partners/orbit/mappings",
    "partner-trust-health": "/partners/kestrel/trust/health",
    "partner-trust-published": "/partners/kestrel/trust/published",
    "partner-client-changing": "/partners/kestrel/clients/kestrel-reports/edit",
    "partner-trust-changing": "/partners/kestrel/trust/kestrel-idp/edit",
    "partners-together": "/change-partners?act=suspend&partner=kestrel&partner=alder&partner=orbit",
    "ending": "/ending",
    "access": "/access?at=2026-01-01T00:00",
    "access-cell": "/access/kestrel/ledger-api",
    "access-who": "/access/who?target=ledger-api",
    "search": "/search?q=kestrel",
    "exchanges": "/exchanges?outcome=refused&live=1",
    "exchanges-empty": "/exchanges?client=nobody",
    "exchange-granted": "/exchanges/{granted}",
    "exchange-refused": "/exchanges/{refused}",
    "exchange-of-a-stranger": "/exchanges/{unauthenticated}",
    "account": "/account",
    "sign-out": "/sign-out",
}
WIDTHS = (390, 768, 1440)
PICTURED = {
    "sign-in",
    "overview",
    "partners",
    "partner",
    "access",
    "exchanges",
    "exchange-refused",
    "simulator",
    "golden-token",
    "back-test",
    "device-confirm",
}
PICTURED_WIDTHS = {390, 1440}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {"resultTypes": ["violations"], "preload": False, "runOnly": {"type": "tag", "values": RULES}}
RUN_AXE = "options => axe.run(options).then(found => found.violations.map(rule => [rule.id, rule.nodes[0].html]))"


def every_view(page: Page, name: str) -> Iterator[str]:
    """Show the page in both themes at all widths; the page follows both without being loaded again."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            keep_picture(page, f"{name}-{width}-{theme}", is_kept=name in PICTURED and width in PICTURED_WIDTHS)
            yield f"{name} at {width} in {theme}"


def keep_picture(page: Page, name: str, *, is_kept: bool) -> None:
    directory = os.environ.get("HANDOVER_SCREENSHOTS")
    if directory and is_kept:
        page.evaluate("document.fonts.ready.then(() => true)")
        page.screenshot(path=Path(directory) / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def windows(chromium: Browser, portal: PortalServer) -> Iterator[dict[bool, Visit]]:
    """One window of somebody signed in, by True, and one of nobody: each serves for one page after the other."""
    contexts = {
        True: chromium.new_context(storage_state=session_of(Role.SECURITY_ADMIN, portal, chromium)),
        False: chromium.new_context(),
    }
    yield {is_signed_in: Visit(context, portal) for is_signed_in, context in contexts.items()}
    for context in contexts.values():
        context.close()


def as_new(window: Visit) -> Visit:
    """As no page has been shown in it; what the one before still asks for is over."""
    window.page.goto("about:blank")
    window.page.emulate_media(color_scheme="light")
    window.page.set_viewport_size({"width": max(WIDTHS), "height": 900})
    window.complaints.clear()
    window.requests.clear()
    return window


@pytest.mark.parametrize("name", list(ADDRESSES))
def test_a_page_is_accessible_and_within_the_window_in_both_themes_at_every_width(
    windows: dict[bool, Visit], name: str
) -> None:
    window = as_new(windows[name != "sign-in"])
    page = window.go(ADDRESSES[name].format(**vars(window.portal.organisation)))
    assert page.url.endswith(ADDRESSES[name].partition("{")[0]) or "{" in ADDRESSES[name]
    assert page.locator("h1").count() == 1
    page.evaluate(Axe().axe_script)
    problems = []
    for view in every_view(page, name):
        found = page.evaluate(RUN_AXE, OPTIONS)
        problems += [f"{view}: {rule}: {html}" for rule, html in found]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            problems.append(f"{view}: wider than the window")
    assert problems == []
    assert window.complaints == []
    assert [url for url in window.requests if not url.startswith(window.portal.url)] == []


def test_pages_that_say_no_are_accessible_too(visit: Callable[..., Visit]) -> None:
    window = visit()
    page = window.go("/nowhere")
    assert window.complaints == ["Failed to load resource: the server responded with a status of 404 (Not Found)"]
    page.evaluate(Axe().axe_script)
    assert page.evaluate(RUN_AXE, OPTIONS) == []
