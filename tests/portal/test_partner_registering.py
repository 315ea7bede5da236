"""A partner registered and edited in the browser, its history, and what its developers are told."""

from __future__ import annotations

import ast
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from audit.models import Event
from partners.models import Client as ClientRow
from partners.models import Partner
from portal.roles import Role
from tests.portal import happenings

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

GOOD = {
    "title": "Lark Logistics",
    "name": "lark",
    "owner": "",
    "contact_email": "it@lark.example",
    "purpose": "Books freight.\r\nDaily.",
    "review_due_on": "2031-01-31",
    "contract_ends_on": "",
}


@pytest.fixture
def manager(organisation: Organisation, signed_in: SignIn) -> Client:  # noqa: ARG001 - asked for its partners
    """A partner manager's browser."""
    return signed_in(Role.PARTNER_MANAGER)


def test_a_partner_starts_as_a_draft_and_the_next_step_is_its_trust(manager: Client) -> None:
    assert "Register a partner" in manager.get("/partners").content.decode()
    page = manager.get("/register-partner").content.decode()
    assert 'value="somebody.partner.manager@meridian.example"' in page
    answer = manager.post("/register-partner", GOOD)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/partners/lark/trust/new")
    row = Partner.objects.get(slug="lark")
    assert (row.state, row.purpose, str(row.review_due_on)) == ("draft", "Books freight.\nDaily.", "2031-01-31")
    event = Event.objects.get(kind="partner.registered")
    assert event.actor == "user:somebody.partner.manager@meridian.example"
    steps = manager.get("/partners/lark").content.decode()
    assert 'href="/partners/lark/trust/new" aria-current="step"' in steps


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "kestrel"}, "a name that is not taken"),
        ({"name": "Lark!"}, "Short name"),
        ({"title": ""}, "Organisation is empty. Fill it in."),
        ({"title": "L" * 500}, "Organisation"),
        ({"owner": "nobody@meridian.example"}, "the e-mail address of an account here"),
        ({"contact_email": "it"}, "Contact"),
        ({"review_due_on": "31/01/2031"}, "no day of the calendar came"),
        ({"purpose": "a\x00b"}, "a character came that no text can hold"),
    ],
)
def test_what_is_wrong_with_a_partner_stands_beside_its_field(
    manager: Client, changes: dict[str, Any], words: str
) -> None:
    answer = manager.post("/register-partner", {**GOOD, **changes})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Partner.objects.filter(slug="lark").exists()


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "'; DROP TABLE x; --", "=cmd|' /C calc'!A0"])
def test_hostile_text_is_shown_as_text(manager: Client, text: str) -> None:
    manager.post("/register-partner", {**GOOD, "purpose": text})
    page = manager.get("/partners/lark").content.decode()
    assert "<script>alert" not in page
    assert Partner.objects.get(slug="lark").purpose == text


def test_of_two_who_edit_at_once_the_second_sees_what_the_first_wrote(manager: Client, browser: Client) -> None:
    page = manager.get("/partners/kestrel/edit")
    typed = {
        "title": "Kestrel",
        "owner": "",
        "contact_email": "",
        "purpose": "",
        "review_due_on": "",
        "contract_ends_on": "",
    }
    seen = page.context["stamp"]
    first = browser.post("/partners/kestrel/edit", {**typed, "contact_email": "new@kestrel.example", "stamp": seen})
    assert first.status_code == 302
    second = manager.post("/partners/kestrel/edit", {**typed, "stamp": seen})
    text = second.content.decode()
    assert second.status_code == 409
    assert "new@kestrel.example" in text
    assert 'value="Kestrel"' in text
    assert Partner.objects.get(slug="kestrel").contact_email == "new@kestrel.example"
    again = manager.post("/partners/kestrel/edit", {**typed, "stamp": second.context["stamp"]})
    assert again.status_code == 302
    row = Partner.objects.get(slug="kestrel")
    assert (row.name, row.contact_email, row.default_target.name) == ("Kestrel", "", "ledger-api")  # type: ignore[union-attr]


def test_the_history_is_the_partners_changes_page_by_page(organisation: Organisation, manager: Client) -> None:
    for number in range(60):
        happenings.changed(organisation.kestrel, name=f"mapping-{number:02}")
    happenings.changed(organisation.fjord, name="somebody-elses")
    first = manager.get("/partners/kestrel/history").content.decode()
    assert "mapping-59" in first
    assert "mapping-05" not in first
    assert "somebody-elses" not in first
    older = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    second = manager.get(older).content.decode()
    assert "mapping-05" in second
    assert "mapping-59" not in second
    newer = second.partition('rel="prev"')[0].rpartition('href="')[2].partition('"')[0]
    assert "mapping-59" in manager.get(newer).content.decode()
    assert "No change yet" in manager.get("/partners/orbit/history").content.decode()


def test_the_requests_on_the_page_are_ones_that_can_be_run(manager: Client) -> None:
    ClientRow.objects.filter(client_id="kestrel-settlement").update(client_id='odd"$(id)`x')
    answer = manager.get("/partners/kestrel/integration", {"client": 'odd"$(id)`x'})
    curl, python, _script = (snippet.text for snippet in answer.context["integration"].snippets)
    words = shlex.split(curl.replace("\\\n", " "))
    assert "--user" in words
    assert words[words.index("--user") + 1] == "odd%22%24%28id%29%60x:$CLIENT_SECRET"
    assert "audience=https://ledger.meridian.example" in words
    ast.parse(python)
    assert "$(id)" not in curl


def test_a_partner_that_waits_for_its_test_is_told_so(organisation: Organisation, manager: Client) -> None:
    Partner.objects.filter(slug="kestrel").update(state="configuring")
    assert "Waiting for the test exchange." in manager.get("/partners/kestrel/integration").content.decode()
    trust = organisation.kestrel.trusts.get()
    happenings.granted(organisation.kestrel, trust={"id": str(trust.id), "name": trust.name, "issuer": trust.issuer})
    page = manager.get("/partners/kestrel/integration").content.decode()
    assert "The test exchange has come." in page
    assert 'href="/partners/kestrel/acts/pass_test"' in page


@pytest.mark.usefixtures("organisation")
def test_who_only_reads_sees_history_and_requests_and_no_form(signed_in: SignIn) -> None:
    browser = signed_in(Role.AUDITOR)
    for address in ("history", "integration"):
        assert browser.get(f"/partners/kestrel/{address}").status_code == 200
    for address in ("/register-partner", "/partners/kestrel/edit"):
        assert browser.get(address).status_code == 403
        assert browser.post(address, GOOD).status_code == 403
    assert "register-partner" not in browser.get("/partners").content.decode()


@pytest.mark.parametrize(
    "address", ["/register-partner", *(f"/partners/kestrel/{tab}" for tab in ("edit", "history", "integration"))]
)
def test_a_page_takes_few_queries(manager: Client, django_assert_max_num_queries: Any, address: str) -> None:
    with django_assert_max_num_queries(12):
        assert manager.get(address).status_code == 200
