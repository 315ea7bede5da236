"""Without script every page can be used to the end: nothing on it is sent, opened or shown by script alone.

What its forms bring about is in ``test_plain_accounts``, ``test_plain_forms`` and ``test_plain_connections``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from portal.permissions import Permission
from portal.roles import Role
from tests.e2e.page_list import ADDRESSES, OPEN, PARTNERS_SIDE
from tests.markup import read, values
from tests.portal.test_doors import DOORS
from tests.portal.windows import Window, flaws

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

BY_SCRIPT_ALONE = {
    "mfa_add_webauthn",
    "mfa_login_webauthn",
    "mfa_reauthenticate_webauthn",
}
"""Passkeys are asked for by script; without it another way is offered (``ux.md`` has no other exception)."""

NO_FORMS = {"home", "openid-callback", "openid_confirm", "openid_connect", "openid_sign_in"}
"""Addresses that answer POST as they answer GET: they lead elsewhere."""


@pytest.mark.parametrize("role", [Role.SECURITY_ADMIN, Role.AUDITOR])
def test_our_pages_can_be_used_to_the_end(whole: Organisation, signed_in: SignIn, role: Role) -> None:
    window = Window(signed_in(role))
    for name, address in ADDRESSES.items():
        window.open(address.format(**vars(whole)))
        assert (name, window.status) in {(name, 200), (name, 403 if role == Role.AUDITOR else 200)}


def test_a_partners_pages_and_those_of_nobody_can_be_used_to_the_end(whole: Organisation, signed_in: SignIn) -> None:
    for window, pages in ((Window(signed_in(Role.PARTNER_ADMIN)), PARTNERS_SIDE), (Window(), OPEN)):
        for name, address in pages.items():
            window.open(address.format(**vars(whole)))
            assert (name, window.status) == (name, 200)


@pytest.mark.usefixtures("organisation")
def test_every_form_is_sent_by_a_test(signed_in: SignIn) -> None:
    ours, theirs = signed_in(Role.SECURITY_ADMIN), signed_in(Role.PARTNER_ADMIN)
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_plain_*.py")]
    sent = {name for name, _, _ in DOORS if any(f', "{name}"' in text for text in texts)}
    known = sent | BY_SCRIPT_ALONE | NO_FORMS
    forms = [
        name
        for name, address, permission in DOORS
        if name not in known and (theirs if permission == Permission.CONNECT else ours).post(address).status_code != 405
    ]
    assert forms == [], "send them in one of tests/portal/test_plain_*.py"


GOOD = (
    '<main><form method="post" action="/x"><input type="hidden" name="csrfmiddlewaretoken" value="t">'
    '<button hx-post="/x">Go</button></form><a href="/y" hx-get="/y">There</a></main>'
)


@pytest.mark.parametrize(
    ("page", "flaw"),
    [
        (GOOD.replace(' value="t"', ""), "a token of its own"),
        (GOOD.replace("csrfmiddlewaretoken", "other"), "a token of its own"),
        (GOOD.replace(' method="post"', ""), "no method"),
        (GOOD.replace("<button", '<button type="button"'), "a button for script alone"),
        (GOOD.replace("<button", "<button disabled"), "neither a button"),
        (GOOD.replace('hx-post="/x"', 'hx-post="/z"'), "neither link nor form"),
        (GOOD.replace('hx-post="/x"', 'hx-get="/x"'), "neither link nor form"),
        (GOOD.replace('href="/y"', 'href="/z"'), "neither link nor form"),
        (GOOD.replace('href="/y"', 'href="#"'), "a link to nowhere"),
        (GOOD.replace('action="/x"', 'action="//elsewhere.example/x"'), "sent elsewhere"),
        (GOOD.replace("<main>", '<main class="js-only">'), "for script alone"),
        (GOOD.replace("<main>", "<main hidden>"), "hidden until"),
        (GOOD.replace("</main>", '<div hx-get="/w" hx-trigger="every 2s"></div></main>'), "refreshed by script"),
        (GOOD.replace("</main>", '<button type="button">Act</button></main>'), "in no form"),
        (GOOD.replace("</main>", '<nav id="menu" popover></nav></main>'), "nothing opens it"),
        (GOOD.replace("</main>", "<dialog></dialog></main>"), "only script opens it"),
        (GOOD.replace("</main>", "<details></details></main>"), "nothing opens it"),
        (GOOD.replace("<button", "<button onclick='go()'"), "inline"),
    ],
)
def test_what_only_script_could_use_is_seen(page: str, flaw: str) -> None:
    assert list(flaws(read(GOOD))) == []
    assert [found for found in flaws(read(page)) if flaw in found]


@pytest.mark.parametrize("text", ["<p><b>one</p>", "<div>", "</div>", '<a href="/x" href="/y">twice</a>'])
def test_a_page_whose_elements_do_not_nest_is_not_read(text: str) -> None:
    with pytest.raises(AssertionError):
        read(text)


def test_a_form_says_what_a_browser_would_send() -> None:
    form = (
        '<form id="f"><input name="one" value="1"><input name="off" value="2" disabled>'
        '<input type="checkbox" name="tick" checked><input type="checkbox" name="tick" value="b">'
        '<input type="radio" name="way" value="x"><input type="radio" name="way" value="y" checked>'
        "<select name='first'><option value='a'>A</option></select>"
        "<select name='chosen'><option>A</option><option selected>B</option></select>"
        "<select name='several' multiple><option>A</option></select><textarea name='words'>\nhello\n</textarea>"
        "<fieldset disabled><input name='off' value='3'></fieldset><button name='pressed' value='p'>Go</button>"
        "</form><input name='far' value='4' form='f'>"
    )
    said: dict[str, Any] = values(next(read(form).all("form")))
    assert said == {
        "one": ["1"],
        "tick": ["on"],
        "way": ["y"],
        "first": ["a"],
        "chosen": ["B"],
        "several": [],
        "words": ["hello\n"],
        "pressed": [],
        "far": ["4"],
    }
