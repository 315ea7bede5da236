"""The partner's side in the browser: the links that let somebody in, and an exchange tried without leaving the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from portal.roles import Role
from tests.e2e import curlew, links
from tests.e2e.looking import OPTIONS, look, script, violations
from tests.exchange.identity_providers import identity_provider
from tests.portal.organisation import PASSWORD
from tests.signers import make_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.e2e.conftest import Visit
    from tests.e2e.curlew import Domain


def test_a_partners_admin_tries_an_exchange_and_is_told_what_was_wrong_with_it(visit: Callable[..., Visit]) -> None:
    window = visit(Role.PARTNER_ADMIN, width=390)
    page = window.go("/connect")
    page.get_by_role("link", name="Try an exchange").click()
    page.get_by_label("A token of your issuer").fill("this is no token")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", name="The request would be refused")).to_be_visible()
    expect(page.get_by_label("A token of your issuer")).to_have_value("")
    page.evaluate(script())
    assert violations(page, OPTIONS) == []
    assert window.complaints == []


def test_the_button_behind_a_mailed_link_signs_in_once(visit: Callable[..., Visit]) -> None:
    window = visit(None)
    page = window.go(f"/welcome/{links.PRESSED}")
    expect(page.get_by_text(links.ZOE)).to_be_visible()
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{window.portal.url}/account")
    expect(page.get_by_role("button", name="Account of")).to_be_visible()
    window.go("/account/confirm/again")  # for an account that has neither password nor factor
    assert look(page, "confirming-again") == []
    assert window.complaints == []
    window.go(f"/welcome/{links.PRESSED}")
    expect(page.get_by_role("button", name="Sign in")).to_have_count(0)


def test_an_invitation_leads_to_the_connection_of_that_partner_and_to_a_green_try(visit: Callable[..., Visit]) -> None:
    window = visit(None)
    page = window.go(f"/invitation/{curlew.LINK}")
    with window.flow("get from an invitation to a green try"):
        with window.flow("accept an invitation"):
            page.get_by_role("button", name="Accept the invitation").click()
            expect(page).to_have_url(f"{window.portal.url}/connect")
        expect(page.get_by_role("heading", name="Connect Curlew Tours")).to_be_visible()
        expect(page.get_by_text("The link that brought you here works no more.")).to_be_visible()
        page.get_by_role("link", name="Try it", exact=True).click()
        expect(page.get_by_text("Your newest exchange was refused.")).to_be_visible()  # it moves what is below it
        page.get_by_label("A token of your issuer").fill(curlew.IDP.subject_token(window.portal.url))
        page.get_by_role("button", name="Try it").click()
        expect(page.get_by_role("heading", name="A token would be minted")).to_be_visible()
    assert window.complaints == []


def test_a_partners_admin_comes_back_and_does_their_half(visit: Callable[..., Visit], domain: Domain) -> None:
    window = visit(None)
    page = window.go("/connect")
    page.get_by_label("E-mail address").fill(curlew.NILS)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    _sees_what_was_refused(window, page)
    _rotates_a_key(window, page)
    _proves_the_domain(window, page, domain)
    _proposes(window, page)
    assert window.complaints == []


def _sees_what_was_refused(window: Visit, page: Page) -> None:
    with window.flow("see on a later visit why an exchange was refused"):
        page.get_by_role("link", name="Exchanges", exact=True).click()
        page.get_by_role("link", name="Refused", exact=True).click()
        page.locator("tbody a.lk").first.click()
        expect(page.get_by_role("heading", name="The exchange was refused")).to_be_visible()


def _rotates_a_key(window: Visit, page: Page) -> None:
    window.go("/connect")
    with window.flow("rotate the key of one's client"):
        page.get_by_role("link", name="Rotate its keys curlew-batch").click()
        page.get_by_label("New key").fill(curlew.PASTED)
        page.get_by_role("button", name="Add the key").click()
        page.get_by_role("button", name="Remove").first.click()
        expect(page.get_by_role("button", name="Remove")).to_have_count(0)


def _proves_the_domain(window: Visit, page: Page, domain: Domain) -> None:
    window.go("/connect")
    with window.flow("prove one's domain"):
        page.get_by_role("link", name="Prove your domain").click()
        domain.show(page.locator("#line").inner_text())
        page.get_by_role("button", name="Look for it now").click()
        expect(page.get_by_text("The file may go.")).to_be_visible()


def _proposes(window: Visit, page: Page) -> None:
    window.go("/connect")
    with window.flow("propose what one's tokens are worth"):
        page.get_by_role("link", name="Propose a change tours").click()
        page.get_by_label("Conditions on your token").fill("tier equals silver")
        page.get_by_role("button", name="Propose this").click()
        expect(page.get_by_text("Draft waits")).to_be_visible()
    with identity_provider(make_key("ES256")) as idp, window.flow("propose an issuer"):
        page.get_by_role("link", name="Propose another issuer").click()
        page.locator("#id_issuer").fill(idp.url)
        expect(page.get_by_text("It names this issuer, character for character")).to_be_visible()
        page.get_by_role("button", name="Propose this issuer").click()
        expect(page.get_by_text("It counts once somebody at")).to_be_visible()
