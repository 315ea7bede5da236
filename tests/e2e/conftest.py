"""A browser, the running portal, and somebody signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from portal.roles import Role
from tests.e2e import changeable, curlew, portal_server
from tests.e2e.flows import Walk
from tests.portal.organisation import PASSWORD
from tests.static_files import collected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

    from tests import services as plugin
    from tests.e2e.curlew import Domain
    from tests.e2e.portal_server import PortalServer

CHROMIUM = "/usr/bin/chromium-headless-shell"  # the same engine without its windows, which cost more than pages
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="session")
def static_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The static files as an installation serves them."""
    return collected(tmp_path_factory)


@pytest.fixture(scope="session")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Domain]:
    """The domain of a partner, on the loopback that the operator of the portal vouches for."""
    with curlew.domain(tmp_path_factory.mktemp("domain")) as served:
        yield served


@pytest.fixture(scope="session")
def portal(
    services: plugin.Services, django_db_blocker: Any, static_files: Path, domain: Domain
) -> Iterator[PortalServer]:
    """The portal of this run, with a day of exchanges in it. Tests change what they made, and ``changeable``."""

    def prepare() -> None:
        changeable.build()
        curlew.build(domain.name)

    environment = {"HANDOVER_OUTBOUND_ALLOW": "127.0.0.1/32", "SSL_CERT_FILE": str(domain.anchor)}
    with portal_server.running(services, django_db_blocker, static_files, prepare=prepare, **environment) as server:
        yield server


@pytest.fixture(scope="module")
def chromium(portal: PortalServer) -> Iterator[Browser]:  # noqa: ARG001 - it is made before a browser is there
    """Debian's Chromium, for one module: while its event loop runs, Django refuses to query in this process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Visit:
    """A browser window that notes everything the console complains about."""

    def __init__(self, context: BrowserContext, portal: PortalServer) -> None:
        self.context = context
        self.portal = portal
        self.walk = Walk(context)
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def flow(self, name: str) -> AbstractContextManager[None]:
        """A flow of ``tests.e2e.flows``, whose clicks and seconds are counted."""
        return self.walk.flow(name, self.page)

    def go(self, path: str) -> Page:
        """Open a page of the portal."""
        self.page.goto(f"{self.portal.url}{path}")
        return self.page

    def sign_in(self, role: Role = Role.SECURITY_ADMIN) -> None:
        """Sign in through the form, as a person does."""
        self.go("/sign-in")
        self.give_password(role)
        self.page.get_by_role("button", name="Account of").wait_for()

    def give_password(self, role: Role) -> None:
        """Fill in the form that is open, and send it."""
        self.page.get_by_label("E-mail address").fill(self.portal.organisation.people[role].email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()


def session_of(role: Role, portal: PortalServer, chromium: Browser) -> Any:
    """The cookies of somebody signed in; each role signs in once in a run."""
    if role not in portal.sessions:
        context = chromium.new_context()
        Visit(context, portal).sign_in(role)
        portal.sessions[role] = context.storage_state()
        context.close()
    return portal.sessions[role]


@pytest.fixture
def visit(chromium: Browser, portal: PortalServer) -> Iterator[Callable[..., Visit]]:
    """Open a window: ``visit(role, width=390, color_scheme="dark")``; a role of None is not signed in."""
    contexts: list[BrowserContext] = []

    def open_window(role: Role | None = Role.SECURITY_ADMIN, *, width: int = 1440, **options: Any) -> Visit:
        state = session_of(role, portal, chromium) if role is not None else None
        context = chromium.new_context(viewport={"width": width, "height": 900}, storage_state=state, **options)
        contexts.append(context)
        return Visit(context, portal)

    yield open_window
    for context in contexts:
        context.close()
