"""Several mappings out of one pasted token: what it fits is ticked, looked through, and saved together or not."""

from __future__ import annotations

from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.http import QueryDict

from partners.models import ScopeMapping
from partners.offers import Offers
from portal.partner_pages.mappings import several_drafts
from portal.roles import Role
from tests.signers import Signer, make_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.organisation import Organisation

ADDRESS = "/partners/fjord/mappings/from-token"
SIGNER = Signer("https://login.fjord.example", make_key("ES256"))
CLAIMS: dict[str, Any] = {"azp": "fjord-nightly", "scope": "ledger.read app:write reports.read odd", "tenant": 7}
TICKED = {
    "target": ["ledger-api", "reports-api"],
    "of-ledger-api": ["grants ledger.read -> ledger.read", "grants app:write -> ledger.write"],
    "of-reports-api": ["grants reports.read -> reports.read"],
    "take": ["rules azp equals fjord-nightly"],
    "trust": "fjord-login",
    "write": "1",
}


@pytest.fixture
def manager(organisation: Organisation, signed_in: Callable[[Role | None], Client]) -> Client:  # noqa: ARG001
    """A partner manager's browser."""
    return signed_in(Role.PARTNER_MANAGER)


def token(**claims: Any) -> str:
    return SIGNER.subject_token("https://handover.example", **{**CLAIMS, **claims})


def read(manager: Client, text: str, address: str = ADDRESS) -> Any:
    return manager.post(address, {"token": text, "read": "1"})


def written(manager: Client, **changes: Any) -> dict[str, Any]:
    """What the page with the drafts would send when it is saved as it is."""
    answer = manager.post(ADDRESS, {**TICKED, **changes})
    sent: dict[str, Any] = {"save": "1", "shown": [], "draft": []}
    for draft in answer.context["drafts"]:
        sent["shown"].append(draft.key)
        sent["draft"].append(draft.key)
        sent |= {field.html_name: field.value() or "" for field in draft.form}
    return sent


def drafts() -> dict[str, str]:
    rows = ScopeMapping.objects.filter(partner__slug="fjord", state="draft")
    return dict(rows.values_list("name", "target__name"))


def test_every_audience_that_its_scopes_fit_is_proposed_with_the_lines_of_its_draft(manager: Client) -> None:
    sent = token()
    answer = read(manager, sent)
    assert answer.status_code == 200
    assert [(fit.target, fit.is_chosen, [grant.line for grant in fit.grants]) for fit in answer.context["fits"]] == [
        (
            "ledger-api",
            True,
            ["ledger.read -> ledger.read", "app:write -> ledger.write", "reports.read -> ledger.read"],
        ),
        ("reports-api", True, ["ledger.read -> reports.read", "reports.read -> reports.read"]),
    ]
    assert answer.context["unlike"] == ["odd"]
    page = unescape(answer.content.decode())
    assert 'value="rules azp equals fjord-nightly"' in page
    assert "Its issuer is that of the trust fjord-login" in page
    for part in sent.split("."):
        assert part not in page
    led = read(manager, sent, "/partners/kestrel/mappings/from-token")
    assert [(fit.led_by, fit.is_chosen) for fit in led.context["fits"]] == [(("settle",), False), (("reports",), False)]


def test_what_is_ticked_is_looked_through_and_saved_in_one_change(manager: Client) -> None:
    sent = written(manager)
    assert (sent["ledger-api-name"], sent["ledger-api-source"]) == ("ledger-api", "trust:fjord-login")
    assert sent["ledger-api-grants"].splitlines() == ["ledger.read -> ledger.read", "app:write -> ledger.write"]
    assert sent["reports-api-rules"] == "azp equals fjord-nightly"
    assert not drafts(), "nothing is saved before it was looked at"
    answer = manager.post(ADDRESS, {**sent, "reports-api-name": "numbers"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/partners/fjord/mappings")
    assert drafts() == {"ledger-api": "ledger-api", "numbers": "reports-api"}
    page = manager.get("/partners/fjord/mappings").content.decode()
    assert "2 drafts were saved: ledger-api, numbers." in page
    assert 'href="/partners/fjord/mappings/numbers/versions"' in page


def test_a_draft_that_is_not_ticked_is_not_saved(manager: Client) -> None:
    sent = written(manager)
    assert manager.post(ADDRESS, {**sent, "draft": [], "reports-api-lifetime": "7 of nonsense"}).status_code == 422
    assert manager.post(ADDRESS, {**sent, "draft": ["ledger-api"], "reports-api-name": ""}).status_code == 302
    assert drafts() == {"ledger-api": "ledger-api"}


WRONG: tuple[tuple[dict[str, str], int, str], ...] = (
    ({"reports-api-name": ""}, 422, "Name is empty. Fill it in."),
    ({"reports-api-name": "ledger-api"}, 422, "Name: two of these drafts are called ledger-api"),
    ({"reports-api-lifetime": "3m 7s of nonsense"}, 422, "reports-api: Lifetime"),
    ({"reports-api-grants": "a -> nothing.here"}, 422, "scopes of target reports-api"),
    ({"reports-api-name": "taken"}, 409, "Name: another mapping of this partner is called taken"),
)


def test_where_one_is_wrong_none_is_saved_and_nothing_typed_is_lost(
    manager: Client, organisation: Organisation
) -> None:
    fjord, ledger = organisation.fjord, organisation.kestrel.default_target
    shared: dict[str, Any] = {"partner": fjord, "trust": fjord.trusts.get(), "target": ledger}
    ScopeMapping.objects.create(**shared, name="taken", version=1, state="withdrawn")
    sent = {**written(manager), "ledger-api-lifetime": "133s"}
    for changes, status, words in WRONG:
        answer = manager.post(ADDRESS, {**sent, **changes})
        page = unescape(answer.content.decode())
        assert (answer.status_code, words in page) == (status, True), words
        assert 'value="133s"' in page
        assert all(f'value="{value}"' in page or f">\n{value}<" in page for value in changes.values() if value)
        assert not drafts()


def test_what_fits_nothing_or_cannot_be_read_is_said(manager: Client) -> None:
    nothing = read(manager, token(scope="odd", scp="")).content.decode()
    assert "It fits no audience" in nothing
    assert 'href="/partners/fjord/mappings/new"' in nothing
    assert "It carries no scope" in read(manager, token(scope="")).content.decode()
    opaque = read(manager, "opaque-one")
    assert (opaque.status_code, "This is no JWT" in opaque.content.decode()) == (422, True)
    unticked = manager.post(ADDRESS, {"write": "1", "target": ["nowhere", "<script>"]})
    assert (unticked.status_code, "No audience was ticked" in unticked.content.decode()) == (422, True)


def test_names_that_are_taken_are_numbered() -> None:
    name = "l" * 63
    offered = Offers(trusts=(), issuers=(), targets=((name, name), ("b", "b")), scopes=())
    given = QueryDict(mutable=True)
    given.setlist("target", [name, "b", "b", "unknown"])
    taken = {name: frozenset({"b"}), "b": frozenset[str](), "b-2": frozenset[str]()}
    found = several_drafts.proposed(given, offered, taken, "stranger")
    assert [draft.form.initial["name"] for draft in found] == ["l" * 61 + "-2", "b-3"]
    assert [draft.form.initial["source"] for draft in found] == ["own_token", "own_token"]
