"""Seeing in a browser: the way behind a number, a list that follows what happens, and both without script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Visit


def test_a_number_opens_its_way_beside_the_matrix_and_the_keyboard_goes_there(visit: Callable[..., Visit]) -> None:
    window = visit()
    page = window.go("/access")
    page.get_by_role("link", name="2 scopes of Kestrel Payments at ledger-api").press("Enter")
    expect(page.get_by_role("heading", name="Kestrel Payments → ledger-api")).to_be_visible()
    window.go("/access")
    with window.flow("see the way behind a cell of effective access"):
        page.get_by_role("link", name="2 scopes of Kestrel Payments at ledger-api").click()
        expect(page.get_by_text("Token from https://idp.kestrel.example")).to_be_visible()
    assert page.url.endswith("/access")
    page.get_by_label("Target", exact=True).select_option("reports-api")
    expect(page.get_by_role("columnheader")).to_have_count(2)
    assert page.url.endswith("target=reports-api&scope=&risk=&unused=&at=")
    assert window.complaints == []


def test_access_is_compared_with_a_date_and_asked_for_who_could_call(visit: Callable[..., Visit]) -> None:
    window = visit()
    page = window.go("/access")
    with window.flow("compare effective access with a date"):
        page.get_by_label("Compare with a moment, UTC").fill("2026-01-01T00:00")
        page.get_by_role("button", name="Show access").click()
        expect(page.get_by_text("An arrow leads from the number of then")).to_be_visible()
    window.go("/access")
    with window.flow("see who could call a target"):
        page.get_by_role("link", name="Who could call …").click()
        page.get_by_label("Target", exact=True).select_option("ledger-api")
        expect(page.get_by_text("settle v3")).to_be_visible()
    assert window.complaints == []


def test_without_script_everything_is_a_link_or_a_form(visit: Callable[..., Visit]) -> None:
    page = visit(java_script_enabled=False).go("/access")
    page.get_by_role("link", name="2 scopes of Kestrel Payments at ledger-api").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What Kestrel Payments can reach at ledger-api")
    page.goto(page.url.partition("/access")[0] + "/access/who")
    page.get_by_label("Target", exact=True).select_option("ledger-api")
    page.get_by_role("button", name="Show who").click()
    expect(page.get_by_text("settle v3")).to_be_visible()
    page.goto(page.url.partition("/access")[0] + "/exchanges")
    expect(page.get_by_role("link", name="Refresh")).to_be_visible()
    expect(page.get_by_text("Follow what happens")).to_be_hidden()


def test_a_list_is_followed_and_paused(visit: Callable[..., Visit]) -> None:
    window = visit()
    page = window.go("/exchanges")
    with window.flow("follow exchanges and pause"):
        page.get_by_role("link", name="Follow what happens").click()
        with page.expect_response(lambda answer: "newest=" in answer.url) as polled:
            expect(page.get_by_text("Following: new exchanges appear")).to_be_visible()
        assert polled.value.status == 204
        page.get_by_role("link", name="Pause").click()
        expect(page.get_by_role("link", name="Follow what happens")).to_be_visible()
    assert "live" not in page.url
    assert window.complaints == []
