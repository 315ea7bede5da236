"""Accounts in a real browser: passkeys with a virtual authenticator, an authenticator app, and people.

One person enrols and removes it all: the account of the role that no other browser test signs in with.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import expect

from portal.roles import Role
from tests.e2e.looking import look

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.e2e.conftest import Visit

ALWAYS_YES = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def authenticator(window: Visit) -> Callable[..., None]:
    """Give the window's browser an authenticator; answers how to let its owner consent or not."""
    session = window.context.new_cdp_session(window.page)
    session.send("WebAuthn.enable", {})
    added: dict[str, Any] = session.send("WebAuthn.addVirtualAuthenticator", {"options": ALWAYS_YES})

    def consent(*, is_given: bool) -> None:
        fields = {"authenticatorId": added["authenticatorId"], "isUserVerified": is_given}
        session.send("WebAuthn.setUserVerified", fields)

    return consent


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.fixture
def window(visit: Callable[..., Visit]) -> Visit:
    opened = visit(None)
    opened.sign_in(Role.PARTNER_ADMIN)
    return opened


def add_passkey(window: Visit) -> None:
    page = window.go("/account/passkeys/new")
    assert look(page, "passkey-new") == []
    with window.flow("add a passkey"):
        window.go("/account")
        page.get_by_role("link", name="Add a passkey").click()
        page.get_by_label("Name").fill("Laptop")
        page.get_by_role("button", name="Add the passkey").click()
        expect(page.get_by_role("heading", name="Recovery codes", exact=True)).to_be_visible()
    assert look(page, "recovery-codes") == []
    page.get_by_role("link", name="To your account").click()
    expect(page.get_by_text("Laptop")).to_be_visible()
    assert look(page, "account-with-passkey") == []


def first_step(window: Visit) -> None:
    """The password of somebody who has a second factor."""
    window.give_password(Role.PARTNER_ADMIN)
    expect(window.page.get_by_role("heading", name="Second step")).to_be_visible()


def second_step(window: Visit, consent: Callable[..., None]) -> None:
    """The password, then the passkey: given, and in the next session refused first."""
    page = window.page
    with window.flow("sign in with a password and a passkey"):
        first_step(window)
        page.get_by_role("button", name="Use a passkey").click()
        page.get_by_role("button", name="Account of").wait_for()
    sign_out(page)
    first_step(window)
    assert look(page, "second-step") == []
    consent(is_given=False)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    consent(is_given=True)
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("button", name="Account of").wait_for()


def rename_and_remove(page: Page) -> None:
    page.get_by_role("link", name="Rename the passkey Laptop").click()
    assert look(page, "passkey-name") == []
    page.get_by_role("textbox", name="Name").fill("Old laptop")
    page.get_by_role("button", name="Rename the passkey").click()
    page.get_by_role("link", name="Remove the passkey Old laptop").click()
    assert look(page, "passkey-remove") == []
    page.get_by_role("button", name="Remove the passkey").click()
    expect(page.get_by_text("No passkey", exact=True)).to_be_visible()


def test_a_passkey_is_added_and_signs_in_by_itself_until_it_is_removed(window: Visit) -> None:
    consent, page = authenticator(window), window.page
    add_passkey(window)
    sign_out(page)
    with window.flow("sign in with a passkey"):
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_role("button", name="Account of").wait_for()
    sign_out(page)
    second_step(window, consent)
    window.go("/account/confirm/passkey")
    assert look(page, "confirming-by-passkey") == []
    window.go("/account")
    rename_and_remove(page)
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    assert window.complaints == []


def code_of(secret: str) -> str:
    """What the app shows now (RFC 6238)."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def sign_in_by_code(window: Visit, flow: str, code: str) -> None:
    page = window.page
    sign_out(page)
    with window.flow(flow):
        first_step(window)
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("button", name="Account of").wait_for()


def remove_app(window: Visit) -> None:
    page = window.go("/account")
    page.get_by_role("link", name="Remove the authenticator app").click()
    assert look(page, "app-remove") == []
    page.get_by_role("button", name="Remove the app").click()
    expect(page.get_by_text("No authenticator app")).to_be_visible()


def test_an_app_is_added_from_the_picture_and_its_secret(window: Visit) -> None:
    page = window.go("/account/app")
    assert look(page, "app-new") == []
    assert page.get_by_role("img", name="QR code").evaluate("picture => picture.naturalWidth") > 0
    secret = re.sub(r"\s", "", page.locator("#totp-secret").inner_text())
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Add the app").click()
    expect(page.get_by_role("alert")).to_be_focused()
    with window.flow("add an authenticator app"):
        page.get_by_label("Code").fill(code_of(secret))
        page.get_by_role("button", name="Add the app").click()
        expect(page.get_by_role("heading", name="Recovery codes", exact=True)).to_be_visible()
    recovery = page.locator("#recovery").inner_text().split()[0]
    sign_in_by_code(window, "sign in with a password and the code of an app", code_of(secret))
    sign_in_by_code(window, "sign in with a password and a recovery code", recovery)
    window.go("/account/confirm/code")
    assert look(page, "confirming-by-code") == []
    remove_app(window)
    window.go("/account/password")
    assert look(page, "password") == []
    assert [text for text in window.complaints if "422" not in text] == []


def invite_zoe(window: Visit) -> None:
    page = window.page
    with window.flow("invite a person with a role"):
        page.get_by_role("link", name="Invite a person").click()
        page.get_by_role("textbox", name="E-mail address").fill("zoe.miller@meridian.example")
        page.get_by_role("textbox", name="Name").fill("Zoë Miller")
        page.get_by_label("Auditor").check()
        page.get_by_role("button", name="Send the invitation").click()
        expect(page.get_by_role("heading", name="Zoë Miller")).to_be_visible()
    expect(page.get_by_text("Sent, not used")).to_be_visible()


def test_people_are_invited_and_given_roles_on_pages_that_everybody_can_use(visit: Callable[..., Visit]) -> None:
    window = visit(None)
    window.sign_in(Role.SECURITY_ADMIN)
    page = window.go("/people")
    assert look(page, "people") == []
    invite_zoe(window)
    with window.flow("give a person another role"):
        page.get_by_label("Another role").select_option("Engineer")
        page.get_by_role("button", name="Give the role").click()
        expect(page.get_by_role("button", name="Take the role Engineer")).to_be_visible()
    assert look(page, "person") == []
    with window.flow("take a role from a person"):
        page.get_by_role("button", name="Take the role Engineer").click()
        expect(page.get_by_role("button", name="Take the role Engineer")).to_have_count(0)
    with window.flow("close an account"):
        page.get_by_role("button", name="Close the account").click()
        expect(page.get_by_role("button", name="Open the account")).to_be_visible()
    window.go("/people")
    page.get_by_label("Account", exact=True).select_option("Closed")
    expect(page.get_by_role("link", name="Zoë Miller")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(2)
    assert window.complaints == []
