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
from tests.e2e.looking import look
from tests.exchange.identity_providers import OPENID, identity_provider
from tests.openid_provider import CLIENT_ID, OpenIdProvider
from tests.signers import Signer, make_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from playwright.sync_api import Browser, Page

    from tests import services as plugin
    from tests.e2e.portal_server import PortalServer

SANDBOX = "https://sandbox.meridian.example"
NAMED: dict[str, UUID] = {}
"""The events with hostile names in them."""


def prepare() -> None:
    """A target behind which nothing real is, and a key of ours to sign with."""
    keys.ensure_signing_key()
    sandbox = models.Target.objects.create(name="sandbox", audience=SANDBOX, is_test=True)
    models.Scope.objects.create(target=sandbox, name="orders.read", description="Read orders")
    NAMED.update(hostile.write(f"{Role.SECURITY_ADMIN.lower().replace(' ', '.')}@meridian.example"))


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    """The organisation's OpenID provider."""
    running = OpenIdProvider()
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def own_portal(
    services: plugin.Services,
    django_db_blocker: Any,
    static_files: Path,
    provider: OpenIdProvider,
    tmp_path_factory: Any,
) -> Iterator[PortalServer]:
    """A portal that this module may change, which may call loopback."""
    secret = tmp_path_factory.mktemp("provider") / "secret"
    secret.touch(0o600)
    secret.write_text(provider.secret)
    environment = {
        "HANDOVER_OUTBOUND_ALLOW": "127.0.0.1/32",
        "HANDOVER_OPENID_ISSUER": provider.issuer,
        "HANDOVER_OPENID_CLIENT_ID": CLIENT_ID,
        "HANDOVER_OPENID_CLIENT_SECRET_FILE": str(secret),
        "HANDOVER_OPENID_ROLES": "auditors=Auditor",
        "HANDOVER_SECOND_FACTOR_ROLES": Role.ENGINEER,
        "HANDOVER_DEMO": "1",
    }
    with portal_server.running(services, django_db_blocker, static_files, prepare=prepare, **environment) as server:
        yield server


@pytest.fixture(scope="module")
def own_chromium(own_portal: PortalServer) -> Iterator[Browser]:  # noqa: ARG001 - it is made before a browser is there
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


def fill(page: Page, **fields: str) -> None:
    """Type into fields by their names."""
    for name, text in fields.items():
        page.locator(f"#id_{name}").fill(text)


def test_a_partner_gets_from_nothing_to_tested_in_twelve_clicks_and_a_second_person_activates_it(
    own_portal: PortalServer, own_chromium: Browser
) -> None:
    window = Visit(own_chromium.new_context(viewport={"width": 1440, "height": 900}), own_portal)
    window.sign_in(Role.PARTNER_MANAGER)
    page = window.page
    with identity_provider(key := make_key("ES256")) as idp:
        window.go("/partners")
        with window.flow("register a partner up to tested"):
            secret = _register(window, idp.url)
            subject_token = Signer(idp.url, key).subject_token(own_portal.url)
            answer = _exchanged(own_portal, subject_token, secret)
            assert answer.status_code == 200, answer.text
            assert answer.json()["expires_in"] <= 60
            expect(page.get_by_text("The test exchange has come.")).to_be_visible()
            page.get_by_role("link", name="Mark it as tested").first.click()
            page.get_by_role("button", name="Mark Lark Logistics as tested").click()
            expect(page.get_by_text("Tested", exact=True).first).to_be_visible()
        _tried(window, subject_token)
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


@attack("A35")
def test_what_a_provider_says_of_its_error_is_on_no_page_and_an_issuers_answer_is_text(
    own_portal: PortalServer, own_chromium: Browser, provider: OpenIdProvider
) -> None:
    window = Visit(own_chromium.new_context(), own_portal)
    window.page.on("dialog", lambda dialog: pytest.fail(f"script of a stranger ran: {dialog.message}"))
    said = {"error": hostile.MARKED, "error_description": hostile.MARKED, "error_uri": f"javascript:{hostile.MARKED}"}
    for provider.declines, provider.refuses in ((said, {}), ({}, said)):
        page = window.go("/sign-in/openid")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Not signed in by")
        assert "hostile" not in page.locator("html").inner_html()
    provider.declines = provider.refuses = {}
    window.sign_in(Role.PARTNER_MANAGER)
    with identity_provider(make_key("ES256")) as idp:
        idp.documents[OPENID] = said | {"issuer": hostile.MARKED, "jwks_uri": hostile.MARKED}
        page = window.go("/partners/kestrel/trust/new")
        page.locator("#id_issuer").fill(idp.url)
        expect(page.get_by_text("<script>alert(2)")).to_be_visible()
    assert page.locator("img[src='x'], script:not([src])").count() == 0
    assert [text for text in window.complaints if "502" not in text] == []


def _register(window: Visit, issuer: str) -> str:
    """All steps but the test; answers the secret of the client, as the page shows it once."""
    page = window.page
    page.get_by_role("link", name="Register a partner").first.click()
    fill(page, title="Lark Logistics", name="lark", contact_email="it@lark.example")
    page.get_by_role("button", name="Save the draft and go on to trust").click()
    with window.flow("trust an issuer by its address"):
        fill(page, issuer=issuer)
        expect(page.get_by_text("It names this issuer, character for character")).to_be_visible()
        page.get_by_role("button", name="Trust this issuer").click()
        page.locator("#id_target").wait_for()
    with window.flow("publish a mapping from its draft"):
        fill(page, name="orders", always="orders.read", default_scopes="orders.read")
        page.locator("#id_target").select_option("sandbox")
        page.locator("#id_allows_impersonation").check()
        page.get_by_role("button", name="Save the draft").click()
        page.get_by_role("button", name="Publish version 1").click()
        page.locator("#id_scopes").wait_for()
    with window.flow("register a client"):
        fill(page, scopes="orders.read")
        page.get_by_role("button", name="Register the client").click()
        secret = page.locator("#secret").inner_text()
    page.get_by_role("link", name="It is handed over").click()
    expect(page.get_by_text("Waiting for the test exchange.")).to_be_visible()
    return secret


def _exchanged(portal: PortalServer, subject_token: str, secret: str) -> httpx.Response:
    """The partner's system sends the request that the page shows."""
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token": subject_token,
        "audience": SANDBOX,
    }
    return httpx.post(f"{portal.url}/oauth/token", data=form, auth=("lark-exchange", secret), trust_env=False)


def _tried(window: Visit, subject_token: str) -> None:
    """A token of the partner in the simulator, by way of the step for it."""
    page = window.go("/partners/lark/try")
    assert look(page, "trying") == []
    page.get_by_role("link", name="Paste a token").click()
    with window.flow("try a request in the simulator"):
        page.get_by_label("Token of the partner").fill(subject_token)
        page.get_by_role("button", name="Try the request").click()
        expect(page.get_by_role("heading", name="A token would be minted")).to_be_focused()
    window.go("/partners/lark")


def _is_not_activated_alone(page: Page) -> None:
    page.get_by_role("link", name="Activate").first.click()
    expect(page.get_by_text("You registered it or made the last change")).to_be_visible()
    expect(page.get_by_role("button", name="Activate Lark Logistics")).to_have_count(0)


def _activated_by_another(portal: PortalServer, chromium: Browser) -> None:
    window = Visit(chromium.new_context(), portal)
    window.sign_in(Role.SECURITY_ADMIN)
    page = window.go("/partners/lark/acts/activate")
    with window.flow("activate a partner as the second person"):
        page.get_by_role("button", name="Activate Lark Logistics").click()
        expect(page.get_by_text("Active", exact=True).first).to_be_visible()


def test_an_invitation_is_accepted_in_the_browser_by_somebody_who_only_has_the_link(
    own_portal: PortalServer, own_chromium: Browser
) -> None:
    ours = Visit(own_chromium.new_context(), own_portal)
    ours.sign_in(Role.PARTNER_MANAGER)
    page = ours.go("/partners/kestrel/people/invite")
    with ours.flow("invite a partner's admin"):
        page.get_by_role("button", name="Send the invitation").click()
        link = page.locator("#link").inner_text()
    theirs = Visit(own_chromium.new_context(java_script_enabled=False), own_portal)
    theirs.page.goto(link)
    theirs.page.get_by_role("button", name="Accept the invitation").click()
    expect(theirs.page.get_by_role("heading", level=1, name="Connect Kestrel Payments to Demo")).to_be_visible()
    assert theirs.complaints == ours.complaints == []


def test_somebody_of_the_organisation_comes_in_through_its_openid_provider(
    own_portal: PortalServer, own_chromium: Browser, provider: OpenIdProvider
) -> None:
    window = Visit(own_chromium.new_context(), own_portal)
    page = window.go("/sign-in")
    with window.flow("sign in through the organisation's OpenID provider"):
        page.get_by_role("link", name="Sign in through").click()
        page.get_by_role("button", name="Account of Ada Byron").wait_for()
    assert page.url == f"{own_portal.url}/overview"
    assert window.complaints == []
    stranger = Visit(own_chromium.new_context(), own_portal)
    provider.changes = {"sub": "eve-1", "email": "eve@meridian.example", "groups": []}
    stranger.go("/sign-in/openid")
    provider.changes = {}
    assert look(stranger.page, "openid-refused") == []


def test_pages_that_only_some_installations_have_are_accessible_too(
    own_portal: PortalServer, own_chromium: Browser
) -> None:
    engineer, admin = (Visit(own_chromium.new_context(), own_portal) for _ in range(2))
    engineer.go("/sign-in")
    engineer.give_password(Role.ENGINEER)
    expect(engineer.page).to_have_url(f"{own_portal.url}/account/second-factor")
    assert look(engineer.page, "second-factor-demanded") == []
    admin.sign_in()
    admin.go("/_mail")
    assert look(admin.page, "letters") == []
    assert engineer.complaints == admin.complaints == []
