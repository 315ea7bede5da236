"""Changing what is there, in a browser: what it would do is shown first, with script and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from portal.roles import Role
from tests.e2e.looking import look

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Visit


def test_a_change_of_a_trust_is_looked_at_before_it_is_saved(visit: Callable[..., Visit]) -> None:
    window = visit(Role.PARTNER_MANAGER, width=390)
    page = window.go("/partners/kestrel/trust")
    page.get_by_role("link", name="Change kestrel-idp").click()
    page.get_by_label("Conditions").fill("tier equals platinum")
    page.get_by_role("button", name="Show what this changes").click()
    page.get_by_role("button", name="Save these changes").wait_for()
    assert page.get_by_role("heading", name="2 mappings rest on this trust").is_visible()
    assert look(page, "partner-trust-reviewed") == []
    assert window.complaints == []


@pytest.mark.parametrize("has_script", [True, False])
def test_several_partners_are_ticked_and_judged_one_by_one(visit: Callable[..., Visit], *, has_script: bool) -> None:
    window = visit(Role.PARTNER_MANAGER, java_script_enabled=has_script)
    page = window.go("/partners")
    for name in ("Kestrel Payments", "Orbit Travel"):
        page.get_by_label(f"Choose {name}").check()
    page.get_by_label("With those that are ticked").select_option("suspend")
    page.get_by_role("button", name="Show what it brings about").click()
    page.get_by_role("button", name="Suspend: 1 partner").wait_for()
    assert "A partner that is draft cannot be suspended." in page.content()


def test_an_endpoint_a_platform_and_all_that_match_are_looked_at_without_script(visit: Callable[..., Visit]) -> None:
    window = visit(Role.PARTNER_MANAGER, java_script_enabled=False)
    page = window.go("/partners/kestrel/trust/kestrel-idp/edit")
    page.get_by_text("Opaque tokens: where the issuer is asked").click()
    page.get_by_label("Introspection endpoint").fill("https://10.0.0.7/introspect")
    page.get_by_label("Our client id there").fill("meridian")
    page.get_by_role("button", name="Show what this changes").click()
    page.get_by_text("The address is not one that may be called.").wait_for()
    assert page.get_by_text("introspection.endpoint").is_visible()

    page = window.go("/partners/kestrel/clients/new")
    page.get_by_text("The platform that vouches for it").click()
    page.get_by_role("link", name="GitHub Actions").click()
    page.get_by_role("button", name="Register the client").click()
    page.get_by_text("stands for what only you know").first.wait_for()
    assert page.get_by_label("Which of its workloads this is").is_visible()

    page = window.go("/partners?state=active")
    page.get_by_role("button", name="that match").click()
    page.get_by_text("Whoever comes to match later is not among them").wait_for()
    assert page.get_by_role("button", name="Suspend: ").is_visible()
