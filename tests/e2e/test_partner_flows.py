"""What is done to a partner once it is there, in a browser: its life, and the change of each of its parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from portal.roles import Role
from tests.e2e.changeable import PLOVER, TERN, TOGETHER
from tests.signers import make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Visit


@pytest.fixture
def window(visit: Callable[..., Visit]) -> Visit:
    """A partner manager's window."""
    return visit(Role.PARTNER_MANAGER)


def test_a_partner_is_suspended_reinstated_and_offboarded_each_with_its_consequence_first(
    visit: Callable[..., Visit],
) -> None:
    window = visit(None)
    window.sign_in(Role.PARTNER_MANAGER)  # offboarding asks who proved a moment ago who they are
    page = window.go(f"/partners/{PLOVER}")
    for flow, act, button, state in (
        ("suspend a partner", "Suspend", "Suspend Plover Insurance", "Suspended"),
        ("reinstate a partner", "Reinstate", "Reinstate Plover Insurance", "Active"),
        ("offboard a partner", "Offboard", "Offboard Plover Insurance for good", "Offboarded"),
    ):
        with window.flow(flow):
            page.get_by_role("link", name=act, exact=True).click()
            expect(page.get_by_text("To undo it")).to_be_visible()
            if act == "Offboard":
                page.get_by_label(f"Type {PLOVER} to confirm").fill(PLOVER)
            page.get_by_role("button", name=button).click()
            expect(page.locator(".page-h").get_by_text(state, exact=True)).to_be_visible()
    assert window.complaints == []


def test_several_partners_are_suspended_at_once(window: Visit) -> None:
    page = window.go("/partners")
    with window.flow("suspend several partners"):
        for name in TOGETHER:
            page.get_by_label(f"Choose {name}").check()
        page.get_by_role("button", name="Show what it brings about").click()
        page.get_by_role("button", name="Suspend: 2 partners").click()
        expect(page.get_by_role("heading", name="Partners", level=1)).to_be_visible()
    expect(page.get_by_role("row", name=TOGETHER[0]).get_by_text("Suspended")).to_be_visible()
    assert window.complaints == []


def test_a_client_gets_a_new_secret_and_another_name(window: Visit) -> None:
    page = window.go(f"/partners/{TERN}/clients")
    with window.flow("rotate the secret of a client"):
        page.get_by_role("link", name="New secret").click()
        page.get_by_role("button", name="Make a new secret").click()
        assert len(page.locator("#secret").inner_text()) >= 43
        page.get_by_role("link", name="It is handed over").click()
    window.go(f"/partners/{TERN}/clients")
    expect(page.get_by_text("Secret 2")).to_be_visible()
    with window.flow("change a client"):
        page.get_by_role("link", name="Change tern-booking").click()
        page.get_by_label("Name on pages").fill("Booking engine")
        page.get_by_role("button", name="Show what this changes").click()
        page.get_by_role("button", name="Save these changes").click()
        expect(page.get_by_text("Booking engine")).to_be_visible()
    assert window.complaints == []


def test_an_issuer_is_trusted_by_pasted_keys_and_what_its_trust_asks_is_changed(window: Visit) -> None:
    page = window.go(f"/partners/{TERN}/trust/new")
    with window.flow("trust an issuer by pasted keys"):
        page.locator("#id_issuer").fill("https://login.tern.example")
        page.get_by_label("Where its keys come from").select_option("uploaded")
        page.get_by_label("Keys", exact=True).fill(json.dumps(public_jwks(make_key("ES256"))))
        page.get_by_label("Name of this trust").fill("tern-login")
        page.get_by_role("button", name="Trust this issuer").click()
        expect(page.get_by_text("https://login.tern.example").first).to_be_visible()
    window.go(f"/partners/{TERN}/trust")
    with window.flow("change a trust"):
        page.get_by_role("link", name="Change tern-login").click()
        page.get_by_label("Conditions").fill("tier equals gold")
        page.get_by_role("button", name="Show what this changes").click()
        page.get_by_role("button", name="Save these changes").click()
        expect(page.get_by_text("tier equals gold").first).to_be_visible()
    assert [text for text in window.complaints if "422" not in text] == []


def test_versions_of_a_mapping_are_compared_and_an_old_one_restored(window: Visit) -> None:
    page = window.go(f"/partners/{TERN}/mappings/freight/versions?to=1")
    with window.flow("compare versions of a mapping"):
        page.get_by_role("link", name="Version 2 with the one before").click()
        expect(page.get_by_text("Changed", exact=True).first).to_be_visible()
    with window.flow("restore a version of a mapping"):
        page.get_by_role("button", name="Restore version 1 as a draft").click()
        expect(page.get_by_text("Version 2 beside version 3")).to_be_visible()
    assert window.complaints == []


def test_an_alert_is_acknowledged_where_it_is_read(window: Visit) -> None:
    page = window.go(f"/partners/{TERN}/trust/health")
    with window.flow("acknowledge an alert"):
        page.get_by_role("button", name="Acknowledge").click()
        expect(page.get_by_text("No alert is open")).to_be_visible()
    assert window.complaints == []
