"""Lines for a mapping proposed from a pasted token: read once, never kept, and only what holds for that token."""

from __future__ import annotations

from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partners.drafts import work
from partners.models import Partner
from policy.claim_rules import ClaimRule, Verdict
from portal.partner_pages.mappings import suggestions, texts
from portal.partner_pages.mappings.suggestions import RARE, Ground
from portal.roles import Role
from tests.portal.test_partner_mappings import SETTLE, present
from tests.signers import Signer, encode, make_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.organisation import Organisation

SUGGESTED = "/partners/kestrel/mappings/settle/edit/suggested"
SIGNER = Signer("https://idp.kestrel.example", make_key("ES256"))
CLAIMS = {
    "azp": "kestrel-batch",
    "scope": "ledger.read settle:write odd",
    "groups": ["ops", "finance"],
    "realm_access": {"roles": ["settler"]},
    "tenant": 7,
    "email": "ada@kestrel.example",
    "ratio": 1.5,
}
OURS = ("ledger.read", "ledger.write")


@pytest.fixture
def manager(organisation: Organisation, signed_in: Callable[[Role | None], Client]) -> Client:  # noqa: ARG001
    """A partner manager's browser."""
    return signed_in(Role.PARTNER_MANAGER)


def token(**claims: Any) -> str:
    return SIGNER.subject_token("https://handover.example", **{**CLAIMS, **claims})


def read(manager: Client, text: str, address: str = SUGGESTED, **changes: Any) -> Any:
    return manager.post(address, {**SETTLE, "stamp": "v3p", "token": text, "read": "1", **changes})


def by_line(found: suggestions.Reading) -> dict[str, Ground]:
    return {one.line: one.ground for one in (*found.grants, *found.conditions, *found.rare)}


def test_each_kind_of_claim_is_proposed_on_its_own_ground() -> None:
    full = {"iss": "https://idp", "aud": ["https://a", "https://b"], "sub": "u-1", "jti": "j", "exp": 9, **CLAIMS}
    assert by_line(suggestions.read(full, OURS)) == {
        "ledger.read -> ledger.read": Ground.SAME,
        "settle:write -> ledger.write": Ground.ALIKE,
        "iss equals https://idp": Ground.TRUST,
        "aud contains https://a": Ground.TRUST,
        "aud contains https://b": Ground.TRUST,
        "azp equals kestrel-batch": Ground.CLIENT,
        "scope contains ledger.read": Ground.SCOPE,
        "scope contains settle:write": Ground.SCOPE,
        "scope contains odd": Ground.SCOPE,
        "groups contains ops": Ground.MEMBER,
        "groups contains finance": Ground.MEMBER,
        "realm_access/roles contains settler": Ground.MEMBER,
        "tenant equals 7": Ground.OTHER,
        "sub equals u-1": Ground.PERSON,
        "email equals ada@kestrel.example": Ground.PERSON,
        "jti equals j": Ground.MOMENT,
        "exp equals 9": Ground.MOMENT,
    }


def test_what_differs_from_token_to_token_is_never_ticked_by_itself() -> None:
    found = suggestions.read({"jti": "j", "iat": 1, "exp": 2, "sub": "u-1", "azp": "batch"}, OURS)
    assert [one.line for one in found.conditions if one.is_chosen] == ["azp equals batch"]
    assert {one.line.split()[0] for one in found.rare} == {"jti", "iat", "exp", "sub"}
    assert not any(one.is_chosen for one in found.rare)


def test_a_scope_of_theirs_that_could_mean_several_of_ours_is_left_to_people() -> None:
    found = suggestions.read({"scope": "app:read odd"}, ("ledger.read", "reports.read"))
    assert found.grants == ()
    assert found.unlike == ("app:read", "odd")


_NAMES = st.text(max_size=12)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(claims=st.dictionaries(_NAMES | st.sampled_from(["scope", "groups", "azp"]), _VALUES, max_size=6))
def test_whatever_a_token_says_each_proposal_is_one_line_that_holds_for_it(claims: dict[str, Any]) -> None:
    found = suggestions.read(claims, OURS)
    for one in (*found.conditions, *found.rare):
        (rule,) = texts.rules_of(one.line)
        assert ClaimRule.compile(**rule).evaluate(claims) is Verdict.PASSED
        assert len(one.line.splitlines()) == 1


def test_a_token_is_read_beside_the_form_and_its_text_is_nowhere(manager: Client) -> None:
    sent = token()
    answer = read(manager, sent, lifetime="3m 7s of nonsense")
    page = unescape(answer.content.decode())
    assert answer.status_code == 200
    assert 'value="rules azp equals kestrel-batch"' in page
    assert "another one's tokens would not fit" in page
    assert 'value="3m 7s of nonsense"' in page
    assert 'name="stamp" value="v3p"' in page
    assert '"email": "ada@kestrel.example"' in page
    for part in sent.split("."):
        assert part not in page
    assert answer.headers["Cache-Control"].count("no-store")


def test_what_is_ticked_is_written_into_the_form_and_saved_as_any_other_line(manager: Client) -> None:
    ticked = ["rules azp equals kestrel-batch", "grants ledger.read -> ledger.read", "rules mail exists"]
    answer = manager.post(SUGGESTED, {**SETTLE, "stamp": present().stamp, "take": ticked, "add": "1"})
    page = answer.content.decode()
    assert "3 lines were written into the form" in page
    initial = answer.context["form"].initial
    assert initial["rules"].splitlines() == [*SETTLE["rules"].split("\n"), "azp equals kestrel-batch"]
    assert initial["grants"].splitlines() == [SETTLE["grants"], "ledger.read -> ledger.read"]
    sent = {**initial, "stamp": answer.context["stamp"], "allows_impersonation": "", "carries_login": ""}
    assert manager.post("/partners/kestrel/mappings/settle/edit", sent).status_code == 302
    draft = present().draft
    assert draft
    assert draft.declared.rules[-1].claim == "azp"


def test_the_trust_of_its_issuer_becomes_the_source(manager: Client, organisation: Organisation) -> None:
    known = organisation.kestrel.trusts.get()
    signer = Signer(known.issuer, SIGNER.key)
    answer = read(manager, signer.subject_token("x"), source="own_token")
    assert answer.context["form"].initial["source"] == f"trust:{known.name}"
    stranger = read(manager, Signer("https://elsewhere.example", SIGNER.key).subject_token("x")).content.decode()
    assert "No trust of this partner is for its issuer, https://elsewhere.example" in stranger
    nameless = read(manager, encode({"alg": "none"}, {"scope": "a"}, None)).content.decode()
    assert "It names no issuer" in nameless


def test_a_new_mapping_is_started_from_a_token_too(manager: Client) -> None:
    assert "Start from a token" in manager.get("/partners/kestrel/mappings/new").content.decode()
    answer = read(manager, token(), "/partners/kestrel/mappings/new/suggested", name="fresh")
    page = answer.content.decode()
    assert 'action="/partners/kestrel/mappings/new"' in page
    assert 'value="fresh"' in page
    assert not work(Partner.objects.get(slug="kestrel").id, "fresh").versions


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "There is no token to read"),
        ("opaque-one", "This is no JWT"),
        ("a.b.c", "This is no JWT"),
        ("a.b.c.d.e", "The token is encrypted"),
        ("x" * 70_000, "more than 65536 characters came"),
        ("<script>alert(1)</script>", "This is no JWT"),
        ("a\x00b.c.d", "a character came that no text can hold"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_typed_is_lost(manager: Client, text: str, words: str) -> None:
    answer = read(manager, text, lifetime="2m 1s")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert 'href="#id_token"' in page
    assert 'value="2m 1s"' in page
    assert "<script>alert" not in page
    assert not text or text not in page


def test_hostile_claims_are_shown_as_text_and_proposed_as_one_line_or_not_at_all(manager: Client) -> None:
    hostile = {"a": "<script>alert(1)</script>", "b": "x\ntier exists", "c": "\u202etxt", "d\nx": "y", "e f": "y"}
    page = read(manager, token(**hostile)).content.decode()
    assert "<script>alert" not in page
    assert "\u202e" not in page
    lines = unescape(page).split('value="rules ')[1:]
    assert not any(line.startswith(("c ", "d", "e f")) for line in lines)


def test_a_tick_that_was_never_offered_becomes_no_field(manager: Client) -> None:
    ticked = ["source own_token", "rules ", "lifetime 9h", "rules tier exists\nx", *["rules a exists"] * 300]
    answer = manager.post(SUGGESTED, {**SETTLE, "stamp": "", "take": ticked, "add": "1"})
    initial = answer.context["form"].initial
    assert (initial["source"], initial["lifetime"]) == (SETTLE["source"], SETTLE["lifetime"])
    assert initial["rules"].splitlines() == [*SETTLE["rules"].split("\n"), "a exists"]


def test_what_the_form_says_already_is_not_proposed_and_no_scope_of_theirs_gets_two_lines() -> None:
    claims = {"azp": "batch", "tier": "gold", "scope": "app:read app:write"}
    found = suggestions.read(claims, OURS, rules="tier equals gold\n", grants="app:write -> ledger.read")
    assert [one.line for one in (*found.grants, *found.conditions)] == [
        "app:read -> ledger.read",
        "azp equals batch",
        "scope contains app:read",
        "scope contains app:write",
    ]
    assert found.unlike == ()
    text = suggestions.added("app:write -> ledger.read", ["app:write -> ledger.write", "app:read -> ledger.read"])
    assert text.splitlines() == ["app:write -> ledger.read", "app:read -> ledger.read"]


def test_very_many_values_are_cut_and_the_cut_is_told() -> None:
    found = suggestions.read({"groups": [f"g-{number}" for number in range(500)], "ratio": 1.5}, ())
    assert len(found.conditions) == suggestions.MOST_OF_ONE_CLAIM
    assert found.left_out == 481
    assert all(one.ground not in RARE for one in found.conditions)


def test_reading_takes_few_queries_and_an_address_opened_again_is_the_form(
    manager: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        assert read(manager, token()).status_code == 200
    assert manager.get(SUGGESTED).headers["Location"] == "/partners/kestrel/mappings/settle/edit"
    new = manager.get("/partners/kestrel/mappings/new/suggested")
    assert new.headers["Location"] == "/partners/kestrel/mappings/new"
