"""The flows that people go through in the browser, the most clicks that each may take, and how clicks are counted."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import BrowserContext, Page

SUBJECTS: Final[Mapping[str, Mapping[str, int]]] = {
    "Signing in": {
        "sign in with a passkey": 1,
        "sign in with a password and a passkey": 2,
        "sign in with a password and the code of an app": 2,
        "sign in with a password and a recovery code": 2,
        "sign in through the organisation's OpenID provider": 1,
    },
    "One's own account": {
        "add a passkey": 2,
        "add an authenticator app": 1,
        "let a device act for oneself": 2,
        "withdraw a consent": 1,
        "end another session of one's own": 1,
    },
    "Registering a partner": {
        "register a partner up to tested": 12,
        "trust an issuer by its address": 1,
        "trust an issuer by pasted keys": 3,
        "publish a mapping from its draft": 5,
        "register a client": 1,
        "activate a partner as the second person": 1,
        "invite a partner's admin": 1,
    },
    "The partner's own half": {
        "accept an invitation": 1,
        "get from an invitation to a green try": 3,
        "rotate the key of one's client": 3,
        "prove one's domain": 2,
        "propose an issuer": 2,
        "propose what one's tokens are worth": 2,
        "see on a later visit why an exchange was refused": 3,
    },
    "A partner's life": {
        "suspend a partner": 2,
        "reinstate a partner": 2,
        "offboard a partner": 2,
        "suspend several partners": 4,
        "rotate the secret of a client": 3,
        "change a client": 3,
        "change a trust": 3,
        "compare versions of a mapping": 1,
        "restore a version of a mapping": 1,
        "acknowledge an alert": 1,
    },
    "Trying": {
        "try a request in the simulator": 1,
        "replay an exchange in the simulator": 2,
        "keep a golden token": 1,
        "start a mapping from a token": 3,
        "start several mappings from a token": 4,
        "back-test a draft": 2,
        "run a draft in shadow": 1,
    },
    "Seeing": {
        "see the way behind a cell of effective access": 1,
        "compare effective access with a date": 1,
        "see who could call a target": 3,
        "find an exchange by its reference": 0,
        "filter exchanges": 2,
        "follow exchanges and pause": 2,
        "export exchanges": 1,
    },
    "People": {
        "invite a person with a role": 3,
        "give a person another role": 3,
        "take a role from a person": 1,
        "end the sessions of a person": 1,
        "close an account": 1,
    },
}
"""The most clicks of each flow, from the page on which it begins."""

FLOWS: Final[Mapping[str, int]] = {name: most for flows in SUBJECTS.values() for name, most in flows.items()}
PROMISED_SECONDS: Final[Mapping[str, int]] = {"register a partner up to tested": 180}
"""Where the product promises a time; all others are written down."""

COUNTING: Final = """
for (const kind of ["pointerdown", "change"]) {
  addEventListener(kind, event => {
    if (kind === "pointerdown") handoverClicked(1);
    else if (event.target.tagName === "SELECT") handoverClicked(2);
  }, true);
}
"""
"""A press of the pointer is a click; to choose from a list is two, as it is opened and something in it is pressed."""


class Walk:
    """Somebody's way through a window's pages: what they click is counted. It needs script in the pages."""

    def __init__(self, context: BrowserContext) -> None:
        self.clicks = 0
        context.expose_function("handoverClicked", self._clicked)
        context.add_init_script(COUNTING)

    def _clicked(self, count: int) -> None:
        self.clicks += count

    @contextmanager
    def flow(self, name: str, page: Page) -> Iterator[None]:
        """One flow, from the first click to what shows that it is done. Flows may hold others.

        Raises ``AssertionError`` when it took more clicks, or longer, than it may.
        """
        clicks, began_at = self.clicks, time.monotonic()
        yield
        page.evaluate("0")  # answered after all that was clicked has been told
        counted, seconds = self.clicks - clicks, time.monotonic() - began_at
        _keep(name, counted, seconds)
        assert counted <= FLOWS[name], f"{name}: {counted} clicks"
        assert seconds <= PROMISED_SECONDS.get(name, seconds), f"{name}: {seconds:.0f} s"


def _keep(name: str, clicks: int, seconds: float) -> None:
    """One line in the file that ``make flows`` reads."""
    target = os.environ.get("HANDOVER_FLOWS")
    if target:
        test = os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0]
        line = {"flow": name, "clicks": clicks, "seconds": seconds, "test": test}
        with Path(target).open("a", encoding="utf-8") as kept:
            kept.write(json.dumps(line) + "\n")
