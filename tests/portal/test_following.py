"""The list of exchanges that follows what happens: by asking again, pausable, and silent while nothing is new."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.portal import happenings

if TYPE_CHECKING:
    from django.test import Client

    from tests.portal.organisation import Organisation

SWAP = {"HX-Request": "true"}


def polled(page: str) -> str:
    """The address that the page asks again."""
    (address,) = re.findall(r'hx-get="([^"]+)" hx-trigger="every 3s"', page)
    return str(address).replace("&amp;", "&")


def test_a_list_that_is_followed_asks_again_and_hears_only_of_what_is_new(
    browser: Client, organisation: Organisation
) -> None:
    page = browser.get("/exchanges?live=1&outcome=granted").content.decode()
    address = polled(page)
    assert "outcome=granted" in address
    quiet = browser.get(address, headers=SWAP)
    assert (quiet.status_code, quiet.content) == (204, b"")
    happenings.refused(organisation.kestrel)
    assert browser.get(address, headers=SWAP).status_code == 204, "that is not what is followed"
    reference = happenings.granted(organisation.kestrel)
    news = browser.get(address, headers=SWAP)
    assert news.status_code == 200
    assert str(reference) in news.content.decode()
    assert polled(news.content.decode()) != address


def test_it_is_paused_and_started_by_links_and_refreshed_without_script(
    browser: Client, organisation: Organisation
) -> None:
    still = browser.get("/exchanges?client=kestrel-settlement").content.decode()
    assert "every 3s" not in still
    (follow,) = re.findall(r'id="live-switch" href="([^"]+)"', still)
    assert "live=1" in follow
    following = browser.get(follow.replace("&amp;", "&")).content.decode()
    (pause,) = re.findall(r'id="live-switch" href="([^"]+)"', following)
    assert pause == "/exchanges?client=kestrel-settlement"
    reference = happenings.granted(organisation.kestrel)
    assert str(reference) in browser.get(pause).content.decode(), "what Refresh opens"


def test_only_the_first_page_can_be_followed(browser: Client, organisation: Organisation) -> None:
    page = browser.get(f"/exchanges?live=1&before={organisation.granted}").content.decode()
    assert "every 3s" not in page
    assert "live-switch" not in page


def test_an_exchange_with_a_token_can_be_tried_again(browser: Client, organisation: Organisation) -> None:
    link = f'href="/simulator?exchange={organisation.granted}"'
    assert link in browser.get(f"/exchanges/{organisation.granted}").content.decode()
    stranger = browser.get(f"/exchanges/{organisation.unauthenticated}").content.decode()
    assert "Replay in the simulator" not in stranger
