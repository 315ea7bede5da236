"""The simulator in a browser: from a refused exchange to the step that refused it, and to a golden token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.looking import look
from tests.signers import Signer, make_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Visit


CLAIMS = '{"iss": "https://idp.kestrel.example"}'


def test_a_refused_exchange_is_tried_again_and_kept_as_a_golden_token(visit: Callable[..., Visit]) -> None:
    window = visit()
    page = window.go(f"/exchanges/{window.portal.organisation.refused}")
    with window.flow("replay an exchange in the simulator"):
        page.get_by_role("link", name="Replay in simulator").click()
        page.get_by_role("button", name="Try the request").click()
        expect(page.get_by_role("heading", name="The request would be refused")).to_be_focused()
    expect(page.locator(".trace .fail")).to_have_count(1)
    assert look(page, "simulator") == []
    with window.flow("keep a golden token"):
        page.get_by_label("Name of the golden token").fill("Payroll is refused")
        page.get_by_role("button", name="Keep as golden token").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Payroll is refused")
    assert look(page, "golden-token") == []
    window.go("/simulator/cases")
    assert look(page, "golden-tokens") == []
    assert window.complaints == []


def test_the_simulator_works_without_javascript(visit: Callable[..., Visit]) -> None:
    page = visit(java_script_enabled=False).go("/simulator")
    for claims, words in (("{", "stops being JSON"), (CLAIMS, "The request would be refused")):
        page.get_by_label("Claims, where no token is pasted").fill(claims)
        page.get_by_label("Client", exact=True).fill("kestrel-settlement")
        page.get_by_role("button", name="Try the request").click()
        expect(page.get_by_text(words).first).to_be_visible()
        expect(page.get_by_label("Client", exact=True)).to_have_value("kestrel-settlement")
    page.get_by_label("Name of the golden token").fill("Bare claims are refused")
    page.get_by_role("button", name="Keep as golden token").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bare claims are refused")


def test_a_mapping_starts_from_a_pasted_token(visit: Callable[..., Visit]) -> None:
    window = visit()
    page = window.go("/partners/kestrel/mappings/settle/edit")
    signer = Signer("https://idp.kestrel.example", make_key("ES256"))
    token = signer.subject_token("https://handover.example", azp="kestrel-batch", groups=["ops", "finance"])
    page.get_by_label("Token of the partner").fill(token)
    page.get_by_role("button", name="Read the token").click()
    expect(page.get_by_role("heading", name="Start from a token")).to_be_focused()
    assert look(page, "mapping-suggestions") == []
    window.go("/partners/kestrel/mappings/settle/edit")
    with window.flow("start a mapping from a token"):
        page.get_by_label("Token of the partner").fill(token)
        page.get_by_role("button", name="Read the token").click()
        expect(page.get_by_label("azp equals kestrel-batch")).to_be_checked()
        page.get_by_label("groups contains finance").check()
        page.get_by_role("button", name="Write what is ticked into the form").click()
        written = page.get_by_label("Conditions", exact=True)
        expect(written).to_have_value(re.compile("azp equals kestrel-batch\ngroups"))
    expect(page.get_by_role("button", name="Save the draft")).to_be_visible()
    assert window.complaints == []


def test_several_mappings_start_from_one_token_and_are_looked_through_before_they_are_saved(
    visit: Callable[..., Visit],
) -> None:
    window = visit()
    page = window.go("/partners/fjord/mappings/from-token")
    signer = Signer("https://login.fjord.example", make_key("ES256"))
    token = signer.subject_token("https://handover.example", azp="fjord-nightly", scope="ledger.admin reports.read")
    page.get_by_label("Token of the partner").fill(token)
    page.get_by_role("button", name="Read the token").click()
    expect(page.get_by_role("heading", name=re.compile("It fits"))).to_be_focused()
    assert look(page, "mappings-that-fit") == []
    window.go("/partners/fjord/mappings")
    with window.flow("start several mappings from a token"):
        page.get_by_role("link", name="From a token").click()
        page.get_by_label("Token of the partner").fill(token)
        page.get_by_role("button", name="Read the token").click()
        page.get_by_role("button", name="Write the drafts, to look through them").click()
        expect(page.get_by_role("heading", name="Draft 1: ledger-api")).to_be_focused()
        page.get_by_role("button", name="Save the drafts that are ticked").click()
        expect(page.get_by_text("2 drafts were saved: ledger-api, reports-api.")).to_be_visible()
    for name in ("ledger-api", "reports-api"):
        window.go(f"/partners/fjord/mappings/{name}/versions")
        page.get_by_role("button", name="Discard the draft").click()
    assert window.complaints == []


def test_a_draft_is_tried_against_what_was_recorded_and_runs_in_shadow(visit: Callable[..., Visit]) -> None:
    window = visit()
    page = window.go("/partners/kestrel/mappings/settle/edit")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_text("neither back-tested nor run in shadow")).to_be_visible()
    with window.flow("back-test a draft"):
        page.get_by_role("link", name="Back-test the draft").click()
        page.get_by_role("button", name="Try the draft").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Back-test of settle")
        expect(page.get_by_text("Exchanges tried")).to_be_visible()
    assert look(page, "back-test") == []
    window.go("/simulator/shadow/kestrel/settle")
    with window.flow("run a draft in shadow"):
        page.get_by_role("button", name="in shadow").click()
        expect(page.get_by_text("Running", exact=True)).to_be_visible()
    assert look(page, "shadow") == []
    page.get_by_role("link", name="The draft").click()
    expect(page.get_by_text("It has run in shadow for")).to_be_visible()
    page.get_by_role("button", name="Discard the draft").click()
    assert window.complaints == []
