"""Every page in both themes at three widths: accessible, silent, within the window, and asking nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from portal.roles import Role
from tests.e2e.conftest import Visit, session_of
from tests.e2e.looking import WIDTHS, look
from tests.e2e.page_list import EVERY_ADDRESS, OPEN, PARTNERS_SIDE
from tests.portal.organisation import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.e2e.portal_server import PortalServer


@pytest.fixture(scope="module")
def windows(chromium: Browser, portal: PortalServer) -> Iterator[Callable[[str], Visit]]:
    """The window for the page of this name: one of ours, one of a partner's, one of nobody, each for many pages."""
    opened: dict[Role | None, Visit] = {}

    def window_for(name: str) -> Visit:
        role = None if name in OPEN else Role.PARTNER_ADMIN if name in PARTNERS_SIDE else Role.SECURITY_ADMIN
        if role not in opened:
            state = session_of(role, portal, chromium) if role else None
            opened[role] = Visit(chromium.new_context(storage_state=state), portal)
        return opened[role]

    yield window_for
    for window in opened.values():
        window.context.close()


def as_new(window: Visit) -> Visit:
    """As no page has been shown in it; what the one before still asks for is over."""
    window.page.goto("about:blank")
    window.page.emulate_media(color_scheme="light")
    window.page.set_viewport_size({"width": max(WIDTHS), "height": 900})
    window.complaints.clear()
    window.requests.clear()
    return window


def opened(window: Visit, address: str) -> Page:
    """The page; whoever has looked at pages for so long that the sign-in counts no more confirms first who they are."""
    page = window.go(address)
    if "/account/confirm?" in page.url:
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
        page.wait_for_url(f"**{address}")
    return page


@pytest.mark.parametrize("name", list(EVERY_ADDRESS))
def test_a_page_is_accessible_and_within_the_window_in_both_themes_at_every_width(
    windows: Callable[[str], Visit], name: str
) -> None:
    window, address = as_new(windows(name)), EVERY_ADDRESS[name]
    page = opened(window, address.format(**vars(window.portal.organisation)))
    assert page.url.endswith(address.partition("{")[0]) or "{" in address
    assert page.locator("h1").count() == 1
    assert look(page, name) == []
    assert window.complaints == []
    assert [url for url in window.requests if not url.startswith(window.portal.url)] == []


def test_pages_that_say_no_are_accessible_too(visit: Callable[..., Visit]) -> None:
    window = visit()
    page = window.go("/nowhere")
    assert window.complaints == ["Failed to load resource: the server responded with a status of 404 (Not Found)"]
    assert look(page, "nowhere") == []
