"""A partner registered in the browser by one person, up to *tested* with a real exchange, and activated by another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from exchange import keys
from partners import models
from portal.roles import Role
from tests.attacks import attack
from tests.e2e import hostile, portal_server
from tests.e2e.conftest import CHROMIUM, QUIET, Visit
from tests.e2e.test_simulator import look
from tests.exchange.identity_providers import identity_provider
from tests.signers import Signer, make_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from playwright.sync_api import Browser, Page

    from tests import services as plugin
    from tests.e2e.portal_server import PortalServer

SANDBOX = "https://sandbox.meridian.example"
MOST_CLICKS = 12
NAMED: dict[str, UUID] = {}
"""The events with hostile names in them."""


def prepare() -> None:
    """A target behind which nothing real is, and a key of ours to sign with."""
    keys.ensure_signing_key()
    sandbox = models.Target.objects.create(name="sandbox", audience=SANDBOX, is_test=True)
    models.Scope.objects.create(target=sandbox, name="orders.read", description="Read orders")
    NAMED.update(hostile.write(f"{Role.SECURITY_ADMIN.lower().replace(' ', '.')}@meridian.example"))


@pytest.fixture(scope="module")
def own_portal(services: plugin.Services, django_db_blocker: Any, static_files: Path) -> Iterator[PortalServer]:
    """A portal that this module may change, which may call loopback."""
    allowed = {"HANDOVER_OUTBOUND_ALLOW": "127.0.0.1/32"}
    with portal_server.running(services, django_db_blocker, static_files, prepare=prepare, **allowed) as server:
        yield server


@pytest.fixture(scope="module")
def own_chromium(own_portal: PortalServer) -> Iterator[Browser]:  # noqa: ARG001 - it is made before a browser is there
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Counted:
    """A page whose clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, role: Any, name: str, **options: Any) -> None:
        self.clicks += 1
        self.page.get_by_role(role, name=name, **options).first.click()

    def fill(self, **fields: str) -> None:
        for name, text in fields.items():
            self.page.locator(f"#id_{name}").fill(text)


def test_a_partner_gets_from_nothing_to_tested_in_twelve_clicks_and_a_second_person_activates_it(
    own_portal: PortalServer, own_chromium: Browser
) -> None:
    window = Visit(own_chromium.new_context(viewport={"width": 1440, "height": 900}), own_portal)
    window.sign_in(Role.PARTNER_MANAGER)
    with identity_provider(key := make_key("ES256")) as idp:
        window.go("/partners")
        counted = Counted(window.page)
        secret = _register(counted, idp.url)
        subject_token = Signer(idp.url, key).subject_token(own_portal.url)
        _tried_beforehand(window, subject_token)
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "subject_token": subject_token,
            "audience": SANDBOX,
        }
        answer = httpx.post(f"{own_portal.url}/oauth/token", data=form, auth=("lark-exchange", secret), trust_env=False)
        assert answer.status_code == 200, answer.text
        assert answer.json()["expires_in"] <= 60
    expect(window.page.get_by_text("The test exchange has come.")).to_be_visible()
    counted.click("link", "Mark it as tested")
    counted.click("button", "Mark Lark Logistics as tested")
    expect(window.page.get_by_text("Tested", exact=True).first).to_be_visible()
    assert counted.clicks <= MOST_CLICKS, counted.clicks
    _is_not_activated_alone(window.page)
    _activated_by_another(own_portal, own_chromium)
    assert window.complaints == []


@attack("A35")
def test_whatever_others_name_is_text_on_every_page_that_shows_it(
    own_portal: PortalServer, own_chromium: Browser
) -> None:
    window = Visit(own_chromium.new_context(viewport={"width": 1440, "height": 900}), own_portal)
    window.page.on("dialog", lambda dialog: pytest.fail(f"script of a stranger ran: {dialog.message}"))
    window.sign_in(Role.SECURITY_ADMIN)
    shown = 0
    for path in hostile.PAGES:
        page = window.go(path.format(**NAMED))
        assert page.locator("img[src='x'], img[onerror]").count() == 0, path
        assert page.locator("script:not([src])").count() == 0, path
        shown += "<script>alert(2)" in page.locator("body").inner_text()
        assert "hostile49" not in page.content(), path
    assert shown >= len(hostile.PAGES) // 2
    assert window.complaints == []


def _register(counted: Counted, issuer: str) -> str:
    """All steps but the test; answers the secret of the client, as the page shows it once."""
    page = counted.page
    counted.click("link", "Register a partner")
    counted.fill(title="Lark Logistics", name="lark", contact_email="it@lark.example")
    counted.click("button", "Save the draft and go on to trust")
    counted.fill(issuer=issuer)
    expect(page.get_by_text("It names this issuer, character for character")).to_be_visible()
    counted.click("button", "Trust this issuer")
    counted.fill(name="orders", always="orders.read", default_scopes="orders.read")
    page.locator("#id_target").select_option("sandbox")
    page.locator("#id_allows_impersonation").check()
    counted.clicks += 1
    counted.click("button", "Save the draft")
    counted.click("button", "Publish version 1")
    counted.fill(scopes="orders.read")
    counted.click("button", "Register the client")
    secret = page.locator("#secret").inner_text()
    page.get_by_role("link", name="It is handed over").click()
    counted.clicks += 1
    expect(page.get_by_text("Waiting for the test exchange.")).to_be_visible()
    return secret


def _tried_beforehand(window: Visit, subject_token: str) -> None:
    """The token in the simulator, by way of the step that waits for it; who is sure of it leaves that out."""
    page = window.page
    page.get_by_role("navigation", name="Steps to activation").get_by_role("link", name="Try a token").click()
    expect(page.get_by_text("Missing", exact=True)).to_have_count(1)
    assert look(page, "trying") == []
    page.get_by_role("link", name="Paste a token").click()
    page.get_by_label("Token of the partner").fill(subject_token)
    page.get_by_role("button", name="Try the request").click()
    expect(page.get_by_role("heading", name="A token would be minted")).to_be_focused()
    page.get_by_role("link", name="The request to send").click()
    expect(page.get_by_text("Waiting for the test exchange.")).to_be_visible()


def _is_not_activated_alone(page: Page) -> None:
    page.get_by_role("link", name="Activate").first.click()
    expect(page.get_by_text("You registered it or made the last change")).to_be_visible()
    expect(page.get_by_role("button", name="Activate Lark Logistics")).to_have_count(0)


def _activated_by_another(portal: PortalServer, chromium: Browser) -> None:
    window = Visit(chromium.new_context(java_script_enabled=False), portal)
    window.sign_in(Role.SECURITY_ADMIN)
    page = window.go("/partners/lark/acts/activate")
    page.get_by_role("button", name="Activate Lark Logistics").click()
    expect(page.get_by_text("Active", exact=True).first).to_be_visible()


def test_an_invitation_is_accepted_in_the_browser_by_somebody_who_only_has_the_link(
    own_portal: PortalServer, own_chromium: Browser
) -> None:
    ours = Visit(own_chromium.new_context(), own_portal)
    ours.sign_in(Role.PARTNER_MANAGER)
    page = ours.go("/partners/kestrel/people/invite")
    page.get_by_role("button", name="Send the invitation").click()
    link = page.locator("#link").inner_text()
    theirs = Visit(own_chromium.new_context(java_script_enabled=False), own_portal)
    theirs.page.goto(link)
    theirs.page.get_by_role("button", name="Accept the invitation").click()
    expect(theirs.page.get_by_role("heading", level=1, name="Connect Kestrel Payments to Demo")).to_be_visible()
    assert theirs.complaints == ours.complaints == []
