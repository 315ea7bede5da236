"""No page is forgotten: each address of the URL configuration is looked at by a browser test, or is no page."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.urls import resolve

from portal.permissions import Permission
from portal.roles import Role
from tests.e2e.looking import PICTURED, PICTURED_WIDTHS
from tests.e2e.page_list import ALIKE, EVERY_ADDRESS, NO_PAGES, ON_THE_WAY
from tests.portal.test_doors import DOORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

HTML = "text/html"
BROWSER_TESTS = Path(__file__).parents[1] / "e2e"
DOCS = Path(__file__).parents[2] / "docs"


def looked_at() -> set[str]:
    """The names of the addresses that are walked."""
    plain = (address.partition("?")[0].format_map(_Anything()) for address in EVERY_ADDRESS.values())
    return {str(resolve(address).url_name) for address in plain}


class _Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key


@pytest.mark.usefixtures("organisation")
def test_every_page_is_looked_at(signed_in: Callable[[Role | None], Client]) -> None:
    ours, theirs = signed_in(Role.SECURITY_ADMIN), signed_in(Role.PARTNER_ADMIN)
    known = looked_at() | ON_THE_WAY.keys() | ALIKE.keys() | NO_PAGES
    unknown = [
        (name, address, theirs if permission == Permission.CONNECT else ours)
        for name, address, permission in DOORS
        if name not in known
    ]
    pages = [name for name, address, browser in unknown if browser.get(address).status_code != 405]
    assert pages == [], "put their addresses into tests/e2e/page_list.py"


@pytest.mark.usefixtures("organisation")
def test_what_is_said_to_be_no_page_is_none(browser: Client) -> None:
    answers = {name: browser.get(address) for name, address, _ in DOORS if name in NO_PAGES - {"mfa_index"}}
    assert answers.keys() == NO_PAGES - {"mfa_index"}
    pages = [
        name for name, answer in answers.items() if (answer.status_code, answer["Content-Type"][:9]) == (200, HTML)
    ]
    assert pages == []


def test_pages_on_the_way_of_a_flow_are_looked_at_under_the_name_given_for_them() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in BROWSER_TESTS.glob("test_*.py"))
    looks = set(re.findall(r'look\(\w+(?:\.\w+)*, "([^"]+)"\)', text))
    assert set(ON_THE_WAY.values()) - looks == set()
    assert set(ALIKE.values()) <= looked_at()


def test_every_picture_is_in_the_documentation_and_none_is_left_over() -> None:
    views = product(PICTURED, sorted(PICTURED_WIDTHS), ("light", "dark"))
    expected = {f"{name}-{width}-{theme}.png" for name, width, theme in views}
    shown = re.findall(r"\(screenshots/([^)]+)\)", (DOCS / "screens.md").read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(expected)
    assert {path.name for path in (DOCS / "screenshots").iterdir()} == expected, "run: make screenshots"
