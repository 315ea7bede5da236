"""Without script in a real browser: a handful of forms, one of each kind. ``tests/portal/test_plain_*`` send all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from portal.roles import Role
from tests.e2e.changeable import DUNLIN
from tests.e2e.conftest import Visit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser

    from tests.e2e.portal_server import PortalServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A page, what is typed there by the names of the fields, the buttons in turn, and what is said then."""

    page: str
    buttons: tuple[str, ...]
    said: str
    typed: Mapping[str, str] = field(default_factory=dict)


FORMS: Final = {
    "register a partner": Form(
        page="/register-partner",
        typed={"title": "Wren Stores", "name": "wren", "contact_email": "it@wren.example"},
        buttons=("Save the draft and go on to trust",),
        said="Where do the tokens of Wren Stores come from?",
    ),
    "change a trust": Form(
        page=f"/partners/{DUNLIN}/trust/dunlin-idp/edit",
        typed={"rules": "tier equals silver"},
        buttons=("Show what this changes", "Save these changes"),
        said="tier equals silver",
    ),
    "rotate a secret": Form(
        page=f"/partners/{DUNLIN}/clients/dunlin-rotated/secret",
        buttons=("Make a new secret",),
        said="It is shown now and never again",
    ),
    "publish a mapping": Form(
        page=f"/partners/{DUNLIN}/mappings/published/versions", buttons=("Publish version 2",), said="version 2,"
    ),
    "invite a partner's admin": Form(
        page=f"/partners/{DUNLIN}/people/invite",
        buttons=("Send the invitation",),
        said="The link is shown now and never again",
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
    page = window.go(form.page)
    for field_name, text in form.typed.items():
        page.locator(f"[name={field_name}]").first.fill(text)
    for button in form.buttons:
        page.get_by_role("button", name=button).first.click()
    expect(page.get_by_role("main").get_by_text(form.said).first).to_be_visible()
