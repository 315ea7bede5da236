"""Whatever a page does, a call of the API does too, under the same permission; or the reason why not is written here.

A page that is new fails here until one of the two is said of it.
"""

from __future__ import annotations

from typing import Any

from django.urls import get_resolver

from portal.api.urls import ADDRESSES
from portal.permissions import Permission
from tests.portal.test_doors import patterns

TWINS = {
    "partners": ("partners", "GET"),
    "partners-summary": ("partner", "GET"),
    "partners-trust": ("trusts", "GET"),
    "partners-clients": ("clients", "GET"),
    "partners-mappings": ("mappings", "GET"),
    "partners-edit": ("partner", "PATCH"),
    "partners-new": ("partners", "POST"),
    "partners-act": ("partner-suspend", "POST"),
    "partners-client-new": ("clients", "POST"),
    "partners-client-edit": ("client", "PATCH"),
    "partners-client-secret": ("secrets", "POST"),
    "partners-client-act": ("client-suspend", "POST"),
    "partners-trust-new": ("trusts", "POST"),
    "partners-trust-edit": ("trust", "PATCH"),
    "partners-trust-withdraw": ("trust-withdraw", "POST"),
    "partners-mapping-new": ("mappings", "POST"),
    "partners-mapping-edit": ("draft", "PATCH"),
    "partners-mapping-new-suggested": ("suggestions", "POST"),
    "partners-mapping-suggested": ("suggestions", "POST"),
    "partners-mappings-from-token": ("mappings", "POST"),
    "partners-mapping-versions": ("versions", "GET"),
    "partners-mapping-publish": ("publish", "POST"),
    "partners-mapping-discard": ("draft", "DELETE"),
    "partners-mapping-restore": ("draft", "PATCH"),
    "partners-mapping-withdraw": ("withdraw", "POST"),
    "partners-alert-acknowledge": ("alert-acknowledge", "POST"),
    "partners-canaries-try": ("canaries-run", "POST"),
    "partners-ending": ("endings", "GET"),
    "partners-history": ("history", "GET"),
    "partners-keys-confirm": ("waiting-key-confirm", "POST"),
    "partners-people": ("insiders", "GET"),
    "partners-people-close": ("insider-close", "POST"),
    "partners-people-invite": ("invitations", "POST"),
    "partners-people-revoke": ("invitation-revoke", "POST"),
    "partners-proposal": ("proposal", "GET"),
    "partners-proposal-approve": ("proposal-approve", "POST"),
    "partners-proposal-decline": ("proposal-decline", "POST"),
    "partners-trust-health": ("health", "GET"),
    "partners-trust-introspection": ("introspection-secret", "POST"),
    "partners-trust-look": ("trust-look", "POST"),
    "partners-trust-published": ("trust-health", "GET"),
    "partners-trust-check": ("examine", "POST"),
    "partners-integration": ("integration", "GET"),
    "partners-try": ("rehearsal", "GET"),
    "overview": ("overview", "GET"),
    "search": ("search", "GET"),
    "people": ("people", "GET"),
    "people-invite": ("people", "POST"),
    "people-person": ("person", "GET"),
    "people-give": ("person-give-role", "POST"),
    "people-take": ("person-take-role", "POST"),
    "people-disable": ("person-close", "POST"),
    "people-enable": ("person-open", "POST"),
    "people-link": ("person-send-link", "POST"),
    "people-account-link": ("person-link", "POST"),
    "people-account-unlink": ("person-unlink", "POST"),
    "people-consent-withdraw": ("consent", "DELETE"),
    "people-sessions": ("person-end-sessions", "POST"),
    "access": ("access", "GET"),
    "access-who": ("access", "GET"),
    "access-cell": ("access", "GET"),
    "simulator": ("simulations", "POST"),
    "simulator-cases": ("golden-tokens", "GET"),
    "simulator-case": ("golden-token", "GET"),
    "simulator-case-save": ("golden-tokens", "POST"),
    "simulator-back-test": ("back-test", "POST"),
    "simulator-shadow": ("shadow", "GET"),
    "simulator-shadow-start": ("shadow", "POST"),
    "simulator-shadow-stop": ("shadow-stop", "POST"),
    "simulator-case-run": ("golden-token-run", "POST"),
    "simulator-case-rename": ("golden-token", "PATCH"),
    "simulator-case-delete": ("golden-token", "DELETE"),
    "exchanges": ("exchanges", "GET"),
    "exchanges-export": ("exchanges", "GET"),
    "exchanges-trace": ("exchange", "GET"),
}
"""The call that does what the page does: its name and method."""

REASONS = {
    "partners-activity": "the list of exchanges, narrowed to the partner: a call that takes exchanges:read",
    "partners-bulk": "each partner by a call of its own, with If-Match",
    "people-letters": "the letters of a demo, which no installation has",
}
"""The pages without such a call, each with its reason."""

CALLS: dict[str, Any] = {str(address.name): address.callback for address in ADDRESSES}


def pages() -> dict[str, Permission]:
    """Every page of ours that asks for a permission. Of a partner's own side only the proof of its domain has calls."""
    found = patterns(get_resolver().url_patterns, {})
    asked = {str(pattern.name): getattr(pattern.callback, "permission", None) for pattern, _ in found}
    return {name: held for name, held in asked.items() if held is not None and held is not Permission.CONNECT}


def test_every_page_has_a_call_beside_it_or_a_reason() -> None:
    assert TWINS.keys().isdisjoint(REASONS)
    assert pages().keys() == TWINS.keys() | REASONS.keys()


def test_a_call_asks_for_what_its_page_asks_for() -> None:
    asked = pages()
    for page, (call, method) in TWINS.items():
        assert CALLS[call].cls.needs[method] == asked[page], (page, call)


def test_every_act_on_a_partner_and_on_a_client_has_its_call() -> None:
    from partners.lifecycle import PartnerAct  # noqa: PLC0415 - beside what it compares
    from portal.partner_pages.acts import ACTS  # noqa: PLC0415

    assert {act.value.replace("_", "-") for act in ACTS} == {
        name.removeprefix("partner-") for name in CALLS if name.startswith("partner-")
    }
    assert {"client-suspend", "client-reinstate"} <= CALLS.keys()
    assert ACTS[PartnerAct.ACTIVATE].is_confirmed == CALLS["partner-activate"].cls.is_confirmed
    assert ACTS[PartnerAct.OFFBOARD].is_confirmed == CALLS["partner-offboard"].cls.is_confirmed
