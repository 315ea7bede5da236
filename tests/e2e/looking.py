"""Looking at a page in both themes at three widths: what axe finds, what leaves the window, and pictures of it.

``HANDOVER_SCREENSHOTS=DIRECTORY`` (``make screenshots``) keeps the pictures that the documentation shows, and asks axe
for everything in every view.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

WIDTHS: Final = (390, 768, 1440)
PICTURED: Final = frozenset(
    {
        "sign-in",
        "overview",
        "partners",
        "partner",
        "access",
        "connect",
        "exchanges",
        "exchange-refused",
        "simulator",
        "golden-token",
        "back-test",
        "device-confirm",
    }
)
PICTURED_WIDTHS: Final = frozenset({390, 1440})
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS: Final[dict[str, Any]] = {
    "resultTypes": ["violations"],
    "preload": False,
    "runOnly": {"type": "tag", "values": RULES},
}
RUN_AXE: Final = (
    "([exclude, options]) => axe.run({exclude}, options)"
    ".then(found => found.violations.map(rule => [rule.id, rule.nodes[0].html]))"
)
LIKE_THOSE_BEFORE: Final = ("tbody tr:nth-child(n+6)",)
"""The sixth row of a table and what follows come of the template of the five before."""

SHAPES: Final = {**OPTIONS, "rules": {"color-contrast": {"enabled": False}}}
COLOURS: Final = {**OPTIONS, "runOnly": ["color-contrast"]}
"""One rule reads colours; for all others a page is the same in either theme."""


def asked(name: str, theme: str, width: int) -> tuple[dict[str, Any], ...]:
    """What axe is asked of a page in a view: shapes once at each width, colours once in each theme.

    Every other page shows its light colours in the wide window and its dark ones in the narrow one, so that what all
    pages share is seen in each. Where pictures are kept, everything is asked in every view.
    """
    if os.environ.get("HANDOVER_SCREENSHOTS"):
        return (OPTIONS,)
    wide_theme = ("light", "dark")[len(name) % 2]
    coloured = width == (1440 if theme == wide_theme else 390)
    return (*([SHAPES] if theme == "light" else []), *([COLOURS] if coloured else []))


def _is_thorough() -> bool:
    return bool(os.environ.get("HANDOVER_SCREENSHOTS"))


BARE: Final = """() => Array.from(document.querySelectorAll("[hx-get], [hx-post]"))
  .filter(one => !one.matches("a[href], form[action], form button, button[form], [hx-trigger^='every']"))
  .map(one => one.outerHTML.slice(0, 200))"""
"""What only htmx would send. What refreshes itself is not sent by anybody."""


@cache
def script() -> str:
    """The text of axe, read once."""
    return str(Axe().axe_script)


def every_view(page: Page, name: str) -> Iterator[tuple[str, int]]:
    """Show the page in both themes at all widths; the page follows both without being loaded again."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if name in PICTURED and width in PICTURED_WIDTHS:
                keep_picture(page, f"{name}-{width}-{theme}")
            yield theme, width


def keep_picture(page: Page, name: str) -> None:
    """The whole page, where somebody asked for pictures."""
    directory = os.environ.get("HANDOVER_SCREENSHOTS")
    if directory:
        page.evaluate("document.fonts.ready.then(() => true)")
        page.screenshot(path=Path(directory) / f"{name}.png", full_page=True)


def violations(page: Page, options: dict[str, Any]) -> list[tuple[str, str]]:
    """What axe finds, by the rule and the first element that breaks it. The page has the text of axe in it already."""
    exclude = [] if _is_thorough() else list(LIKE_THOSE_BEFORE)
    found: list[tuple[str, str]] = page.evaluate(RUN_AXE, [exclude, options])
    return found


def look(page: Page, name: str) -> list[str]:
    """What is wrong with what the page shows, in any view of it."""
    page.evaluate(script())
    problems = [f"{name}: neither link nor form: {html}" for html in page.evaluate(BARE)]
    for theme, width in every_view(page, name):
        found = [problem for options in asked(name, theme, width) for problem in violations(page, options)]
        problems += [f"{name} at {width} in {theme}: {rule}: {html}" for rule, html in found]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            problems.append(f"{name} at {width} in {theme}: wider than the window")
    return problems
