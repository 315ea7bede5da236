"""Without script: each form that changes something is a form, is sent by its own button, and says what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from portal.roles import Role
from tests.e2e.changeable import AVOCET, DUNLIN
from tests.e2e.conftest import Visit
from tests.signers import make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser

    from tests.e2e.portal_server import PortalServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A page, what is typed and chosen there by the names of the fields, the buttons in turn, and what is said then."""

    page: str
    buttons: tuple[str, ...]
    said: str
    typed: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, str] = field(default_factory=dict)


_KEYS: Final = json.dumps(public_jwks(make_key("ES256")))
_REVIEWED: Final = ("Show what this changes", "Save these changes")

FORMS: Final = {
    "register a partner": Form(
        page="/register-partner",
        typed={"title": "Wren Stores", "name": "wren", "contact_email": "it@wren.example"},
        buttons=("Save the draft and go on to trust",),
        said="Where do the tokens of Wren Stores come from?",
    ),
    "edit a partner": Form(
        page=f"/partners/{DUNLIN}/edit",
        typed={"purpose": "Prints our letters."},
        buttons=("Save the changes",),
        said="Prints our letters.",
    ),
    "suspend a partner": Form(
        page=f"/partners/{AVOCET}/acts/suspend", buttons=("Suspend Avocet Hotels",), said="Suspended"
    ),
    "trust an issuer": Form(
        page=f"/partners/{DUNLIN}/trust/new",
        typed={"issuer": "https://login.dunlin.example", "jwks": _KEYS, "name": "dunlin-login"},
        chosen={"method": "uploaded"},
        buttons=("Trust this issuer",),
        said="https://login.dunlin.example",
    ),
    "change a trust": Form(
        page=f"/partners/{DUNLIN}/trust/dunlin-idp/edit",
        typed={"rules": "tier equals silver"},
        buttons=_REVIEWED,
        said="tier equals silver",
    ),
    "acknowledge an alert": Form(
        page=f"/partners/{DUNLIN}/trust/health", buttons=("Acknowledge",), said="No alert is open"
    ),
    "register a client": Form(
        page=f"/partners/{DUNLIN}/clients/new",
        typed={"name": "dunlin-new", "scopes": "ledger.read"},
        buttons=("Register the client",),
        said="It is shown now and never again",
    ),
    "change a client": Form(
        page=f"/partners/{DUNLIN}/clients/dunlin-changed/edit",
        typed={"title": "The press room"},
        buttons=_REVIEWED,
        said="The press room",
    ),
    "rotate a secret": Form(
        page=f"/partners/{DUNLIN}/clients/dunlin-rotated/secret",
        buttons=("Make a new secret",),
        said="It is shown now and never again",
    ),
    "suspend a client": Form(
        page=f"/partners/{DUNLIN}/clients/dunlin-suspended/acts/suspend",
        buttons=("Suspend dunlin-suspended",),
        said="Suspended",
    ),
    "write a mapping": Form(
        page=f"/partners/{DUNLIN}/mappings/new",
        typed={"name": "written", "always": "ledger.read"},
        chosen={"target": "ledger-api"},
        buttons=("Save the draft",),
        said="The first version",
    ),
    "publish a mapping": Form(
        page=f"/partners/{DUNLIN}/mappings/published/versions", buttons=("Publish version 2",), said="version 2,"
    ),
    "withdraw a mapping": Form(
        page=f"/partners/{DUNLIN}/mappings/withdrawn/withdraw", buttons=("Withdraw withdrawn",), said="Withdrawn"
    ),
    "back-test a draft": Form(
        page=f"/simulator/back-test/{DUNLIN}/tested", buttons=("Try the draft",), said="Exchanges tried"
    ),
    "run a draft in shadow": Form(
        page=f"/simulator/shadow/{DUNLIN}/shadowed", buttons=("Run version 2 in shadow",), said="Running"
    ),
    "invite a partner's admin": Form(
        page=f"/partners/{DUNLIN}/people/invite",
        buttons=("Send the invitation",),
        said="The link is shown now and never again",
    ),
    "invite a person": Form(
        page="/people/invite",
        typed={"email": "ivo.novak@meridian.example", "name": "Ivo Novak"},
        buttons=("Send the invitation",),
        said="Ivo Novak",
    ),
}


@pytest.fixture(scope="module")
def window(chromium: Browser, portal: PortalServer) -> Iterator[Visit]:
    """One window of a security admin, for one form after the other."""
    context = chromium.new_context(java_script_enabled=False)
    opened = Visit(context, portal)
    opened.sign_in(Role.SECURITY_ADMIN)
    yield opened
    context.close()


@pytest.mark.parametrize("name", list(FORMS))
def test_a_form_is_sent_and_says_what_became_of_it(window: Visit, name: str) -> None:
    form = FORMS[name]
    page = window.go(form.page.format(**vars(window.portal.organisation)))
    for field_name, choice in form.chosen.items():
        page.locator(f"[name={field_name}]").select_option(choice)
    for field_name, text in form.typed.items():
        page.locator(f"[name={field_name}]").first.fill(text)
    for button in form.buttons:
        page.get_by_role("button", name=button).first.click()
    expect(page.get_by_role("main").get_by_text(form.said).first).to_be_visible()
