"""The partner's side in the browser: accessible in both themes, and an exchange tried without leaving the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from portal.roles import Role
from tests.e2e.test_every_page import OPTIONS, RUN_AXE, keep_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.e2e.conftest import Visit


def complaints_about(page: Page, name: str, widths: tuple[int, ...]) -> list[str]:
    """What axe and the window's edge say of a page, in both themes."""
    page.evaluate(Axe().axe_script)
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            keep_picture(page, f"{name}-{width}-{theme}", is_kept=name == "connect")
            found += [f"{name} {theme} {width}: {rule}: {html}" for rule, html in page.evaluate(RUN_AXE, OPTIONS)]
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                found.append(f"{name} {theme} {width}: wider than the window")
    return found


def test_a_partners_admin_connects_on_pages_that_are_accessible_in_both_themes(visit: Callable[..., Visit]) -> None:
    window = visit(Role.PARTNER_ADMIN)
    page = window.go("/connect")
    assert page.locator("h1").count() == 1
    problems = complaints_about(page, "connect", (390, 1440))
    page.get_by_role("link", name="Try an exchange").click()
    page.get_by_label("A token of your issuer").fill("this is no token")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", name="The request would be refused")).to_be_visible()
    expect(page.get_by_label("A token of your issuer")).to_have_value("")
    problems += complaints_about(page, "connect-try", (390,))
    problems += complaints_about(window.go("/connect/mappings/settle"), "connect-mapping", (390,))
    assert problems == []
    assert window.complaints == []
    assert [url for url in window.requests if not url.startswith(window.portal.url)] == []
