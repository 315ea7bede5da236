"""Rules and grants proposed from a token by the API: what the page proposes, and the token is in no answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from audit.models import Event
from policy.claim_rules import ClaimRule, Verdict
from portal.api.examples import EXAMPLES
from portal.kept_answers import KeptAnswer
from portal.permissions import Permission
from tests.portal.test_mapping_suggestions import CLAIMS, token

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer
    from tests.portal.organisation import Organisation

PATH = "partners/kestrel/suggestions"


@pytest.fixture
def clerk(organisation: Organisation, bearer: Callable[..., Bearer]) -> Bearer:  # noqa: ARG001 - its partners
    """A client that may write partners."""
    return bearer("clerk", Permission.PARTNERS_WRITE)


def proposed(clerk: Bearer, text: str, **more: Any) -> Any:
    return clerk.call("POST", PATH, json.dumps({"token": text, **more}), **{"idempotency-key": "k-1"})


def test_rules_and_grants_are_proposed_with_why(clerk: Bearer) -> None:
    answer = proposed(clerk, token(), target="ledger-api")
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert (found["issuer"], found["trust"]) == ("https://idp.kestrel.example", "kestrel-idp")
    (same,) = [grant for grant in found["grants"] if grant["scope"] == "ledger.read"]
    assert (same["grants"], same["ground"], same["is_chosen"]) == (["ledger.read"], "same", True)
    assert "odd" in found["unlike"]
    rules = {rule["claim"]: rule for rule in found["rules"]}
    assert (rules["tenant"]["operator"], rules["tenant"]["value"]) == ("equals", 7)
    assert rules["realm_access/roles"]["ground"] == "member"
    assert {"email", "iat"} <= {rule["claim"] for rule in found["rare"]}
    assert all(one["why"] for kind in ("grants", "rules", "rare") for one in found[kind])


def test_every_rule_that_is_proposed_holds_for_such_a_token(clerk: Bearer) -> None:
    found = proposed(clerk, token()).json()
    claims: dict[str, Any] = {**CLAIMS, "tier": "gold"}
    for rule in found["rules"]:
        condition = ClaimRule.compile(**{name: rule[name] for name in ("claim", "operator", "value")})
        if rule["claim"] not in {"iss", "aud"}:
            assert condition.evaluate(claims) is Verdict.PASSED, rule


def test_without_a_target_no_grant_is_proposed(clerk: Bearer) -> None:
    found = proposed(clerk, token()).json()
    assert found["grants"] == []
    assert "ledger.read" in found["unlike"]


def test_the_token_is_in_no_answer_and_nothing_is_kept_of_it(clerk: Bearer) -> None:
    text, before = token(), Event.objects.count()
    for sent in (text, f"Bearer {text}", f"{text}.x", f"{text}.a.b", [text]):
        answer = clerk.call("POST", PATH, json.dumps({"token": sent}), **{"idempotency-key": "k-1"})
        assert answer.status_code == (200 if sent in (text, f"Bearer {text}") else 422)
        assert text.rpartition(".")[2] not in answer.content.decode()
    assert not KeptAnswer.objects.exists()
    assert Event.objects.count() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"token": "opaque"}, "token"),
        ({"token": "a.b.c.d.e"}, "token"),
        ({"token": ""}, "token"),
        ({}, "token"),
        ({"token": EXAMPLES["Sample"]["token"], "target": "nowhere"}, "target"),
        ({"token": EXAMPLES["Sample"]["token"], "rules": []}, "rules"),
    ],
)
def test_what_cannot_be_read_is_named(clerk: Bearer, body: dict[str, Any], field: str) -> None:
    answer = clerk.call("POST", PATH, json.dumps(body))
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field)


def test_the_partner_has_to_be_there(clerk: Bearer) -> None:
    answer = clerk.call("POST", "partners/nobody/suggestions", json.dumps(EXAMPLES["Sample"]))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
