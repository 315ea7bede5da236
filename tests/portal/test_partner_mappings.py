"""Mappings written in the browser: drafts, comparisons, a second person, and two people at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from partners.drafts import work
from partners.mapping_declarations import DeclaredRule
from partners.models import Partner, ScopeMapping
from policy.claim_rules import Operator
from portal.partner_pages.mappings import texts
from portal.roles import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from partners.drafts import Work
    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

SETTLE = {
    "source": "trust:kestrel-idp",
    "target": "ledger-api",
    "rules": "tier equals gold\nlevel one_of 1, 2\nmail exists",
    "grants": "settle:write -> ledger.read ledger.write",
    "always": "ledger.read",
    "default_scopes": "ledger.read",
    "lifetime": "2m",
    "max_depth": "2",
    "position": "100",
    "clients": "",
    "subject_claim": "sub",
    "condition": "",
    "scopes_expression": "",
    "claims": "unit -> claims.unit",
}
EDIT = "/partners/kestrel/mappings/settle/edit"


def present(name: str = "settle") -> Work:
    return work(Partner.objects.get(slug="kestrel").id, name)


def save(browser: Client, **changes: Any) -> Any:
    return browser.post(EDIT, {**SETTLE, "stamp": present().stamp, **changes})


@pytest.fixture
def manager(organisation: Organisation, signed_in: SignIn) -> Client:  # noqa: ARG001 - asked for its partners
    """A partner manager's browser."""
    return signed_in(Role.PARTNER_MANAGER)


def test_a_change_becomes_a_draft_that_is_shown_beside_what_is_in_force(manager: Client) -> None:
    answer = save(manager)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/partners/kestrel/mappings/settle/versions")
    draft = present().draft
    assert draft
    assert (draft.version, draft.author) == (4, "somebody.partner.manager@meridian.example")
    assert draft.declared.rules[1:] == (
        DeclaredRule(claim="level", operator=Operator.ONE_OF, value=[1, 2]),
        DeclaredRule(claim="mail", operator=Operator.EXISTS),
    )
    assert ScopeMapping.objects.get(name="settle", state="published").version == 3
    page = manager.get(answer.headers["Location"]).content.decode()
    assert "Version 3 beside version 4" in page
    assert "You wrote this draft, so somebody else publishes it." in page
    assert "Publish version 4</button>" not in page


def test_a_second_person_publishes_it(manager: Client, browser: Client) -> None:
    save(manager)
    page = browser.get("/partners/kestrel/mappings/settle/versions").content.decode()
    assert "Publish version 4</button>" in page
    answer = browser.post("/partners/kestrel/mappings/settle/publish", {"stamp": present().stamp})
    assert answer.status_code == 302
    current = present().current
    assert current
    assert current.version == 4


def test_its_author_is_refused_by_name_and_told_who_can(manager: Client) -> None:
    save(manager)
    answer = manager.post("/partners/kestrel/mappings/settle/publish", {"stamp": present().stamp})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "so somebody else has to publish settle" in page
    assert "Sara Haddad" in page
    assert present().draft


def test_of_two_who_write_at_once_the_second_sees_the_first_ones_change_and_loses_nothing(
    manager: Client, browser: Client
) -> None:
    seen = present().stamp
    save(browser, lifetime="90s", stamp=seen)
    answer = save(manager, lifetime="4m", claims="department -> claims.unit", stamp=seen)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "was changed by somebody.security.admin@meridian.example since you opened it" in page
    assert "<code" in page
    assert "90s" in page
    assert 'value="4m"' in page
    assert "department -&gt; claims.unit" in page
    draft = present().draft
    assert draft
    assert draft.declared.lifetime.total_seconds() == 90
    again = save(manager, lifetime="4m", stamp=answer.context["stamp"])
    assert again.status_code == 302
    assert present().draft.declared.lifetime.total_seconds() == 240  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("rules", "tier gold", "Line 1 is no condition"),
        ("rules", "tier matches (", "a rule that can be evaluated"),
        ("grants", "settle:write ledger.read", "Line 1 has not two sides"),
        ("always", "ledger.everything", "scopes of target ledger-api"),
        ("lifetime", "3 weeks", "Lifetime"),
        ("lifetime", "", "Lifetime is empty. Fill it in."),
        ("max_depth", "9", "Delegation depth"),
        ("max_depth", "many", "no whole number came"),
        ("condition", "claims.", "an expression that can be evaluated"),
        ("clients", "fjord-nightly", "clients of kestrel"),
        ("source", "trust:fjord-login", "what came is not offered"),
        ("target", "nowhere", "what came is not offered"),
        ("subject_claim", "a\x00b", "a character came that no text can hold"),
        ("claims", "=HYPERLINK(1) -> 1", "claim"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_saved(
    manager: Client, field: str, value: str, words: str
) -> None:
    answer = save(manager, **{field: value})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert f'href="#id_{field}"' in page
    assert present().draft is None


def test_hostile_text_comes_back_as_text(manager: Client) -> None:
    page = save(manager, lifetime='"><script>alert(1)</script>\u202e').content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_new_mapping_starts_as_a_draft(manager: Client) -> None:
    page = manager.get("/partners/kestrel/mappings/new")
    assert page.status_code == 200
    answer = manager.post("/partners/kestrel/mappings/new", {**SETTLE, "name": "fresh", "stamp": ""})
    assert answer.status_code == 302
    assert present("fresh").draft
    taken = manager.post("/partners/kestrel/mappings/new", {**SETTLE, "name": "reports", "stamp": ""})
    assert taken.status_code == 409


def test_an_older_version_comes_back_as_a_draft(manager: Client) -> None:
    answer = manager.post("/partners/kestrel/mappings/settle/restore", {"version": "1", "stamp": present().stamp})
    assert answer.status_code == 302
    assert present().draft
    gone = manager.post("/partners/kestrel/mappings/settle/restore", {"version": "77", "stamp": present().stamp})
    assert gone.status_code == 404


def test_a_draft_is_discarded_and_a_mapping_withdrawn(manager: Client) -> None:
    save(manager)
    old = present().stamp
    assert manager.post("/partners/kestrel/mappings/settle/discard", {"stamp": old}).status_code == 302
    assert manager.post("/partners/kestrel/mappings/settle/discard", {"stamp": old}).status_code == 409
    assert present().draft is None
    page = manager.get("/partners/kestrel/mappings/settle/withdraw").content.decode()
    assert "whoever needs it for ledger-api is refused" in page
    assert manager.post("/partners/kestrel/mappings/settle/withdraw").status_code == 302
    assert present().current is None
    assert manager.post("/partners/kestrel/mappings/settle/withdraw").status_code == 409


@pytest.mark.usefixtures("organisation")
def test_who_only_reads_compares_and_changes_nothing(signed_in: SignIn) -> None:
    browser = signed_in(Role.AUDITOR)
    page = browser.get("/partners/kestrel/mappings/settle/versions?from=1&to=2").content.decode()
    assert "Version 1 beside version 2" in page
    assert "<button" not in page.partition("<main")[2]
    assert browser.get(EDIT).status_code == 403
    for act in ("publish", "discard", "restore", "withdraw", "edit"):
        assert browser.post(f"/partners/kestrel/mappings/settle/{act}").status_code == 403


@pytest.mark.parametrize("address", ["settle/versions", "settle/edit", "settle/withdraw", "new"])
def test_a_page_takes_few_queries(manager: Client, django_assert_max_num_queries: Any, address: str) -> None:
    save(manager)
    with django_assert_max_num_queries(12):
        assert manager.get(f"/partners/kestrel/mappings/{address}").status_code == 200


def test_another_partners_mapping_is_not_found(manager: Client) -> None:
    for act in ("versions", "edit", "withdraw"):
        assert manager.get(f"/partners/fjord/mappings/settle/{act}").status_code == 404


@pytest.mark.parametrize(
    "rule",
    [
        {"claim": "tier", "operator": "equals", "value": "gold"},
        {"claim": "tier", "operator": "equals", "value": "1"},
        {"claim": "tier", "operator": "equals", "value": 1},
        {"claim": "tier", "operator": "equals", "value": True},
        {"claim": "tier", "operator": "equals", "value": "two words, and a comma"},
        {"claim": "a/b", "operator": "one_of", "value": ["x", "y, z", 3]},
        {"claim": "tier", "operator": "matches", "value": "a|b, c"},
        {"claim": "tier", "operator": "exists"},
    ],
)
def test_a_condition_is_read_as_it_was_written(rule: dict[str, Any]) -> None:
    assert texts.rules_of(texts.in_rules([rule])) == [rule]
