"""Tries by the API: answered as the simulator's page answers them, with nothing of them kept and no token shown."""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from audit.models import Event
from exchange.models import IssuedToken, SpentJti
from exchange.outbound import client as outbound_client
from partners.models import FederationTrust, KeySource, Partner, ScopeMapping
from policy.reasons import Reason
from portal.api.examples import EXAMPLES
from portal.explanations.menders import mender_of
from portal.explanations.words import explain
from portal.kept_answers import KeptAnswer
from portal.permissions import Permission
from portal.simulator import simulations
from tests import world as worlds
from tests.exchange.identity_providers import identity_provider
from tests.portal import bench, happenings
from tests.portal.test_back_tests import SILVER, drafted, exchanged
from tests.signers import Signer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Bearer
    from tests.portal.bench import Bench


@pytest.fixture
def world(db: None) -> Bench:  # noqa: ARG001 - asked for its transaction
    return bench.build()


@pytest.fixture
def reader(bearer: Callable[..., Bearer]) -> Bearer:
    """A client that may look at exchanges, and do nothing else."""
    return bearer("reader", Permission.EXCHANGES_READ)


def asked(world: Bench, **changes: Any) -> dict[str, Any]:
    """A body that leads to a token."""
    token = world.idp.subject_token(world.issuer)
    good = {"client": "kestrel-batch", "audience": [worlds.LEDGER], "subject_token": token}
    return {name: value for name, value in (good | changes).items() if value is not None}


def claims_of(world: Bench, **changes: Any) -> dict[str, Any]:
    """The claims of a good token, as somebody types them."""
    now = int(time.time())
    good = {"iss": world.idp.issuer, "sub": "user-1", "aud": world.issuer, "iat": now, "exp": now + 300, "tier": "gold"}
    return good | changes


def tried(reader: Bearer, body: dict[str, Any], **headers: str) -> Any:
    return reader.call("POST", "simulations", json.dumps(body), **headers)


def told(reader: Bearer, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a try that can be read."""
    answer = tried(reader, body)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_a_token_that_would_do_is_answered_with_the_claims_of_the_new_one(world: Bench, reader: Bearer) -> None:
    found = told(reader, asked(world, scope=["ledger.read", "ledger.write"]))
    assert (found["outcome"], found["refusal"], found["is_typed"]) == ("granted", None, False)
    assert (found["partner"], found["trust"]) == ("kestrel", "ledger")
    assert found["mappings"] == [{"name": "ledger", "version": 1}]
    assert found["claims"]["sub"] == "partner:kestrel:user-1"
    assert found["claims"]["scope"] == " ".join(found["scope"])
    states = {step["rule"]: step["state"] for step in found["steps"]}
    assert states["record"] == "not_reached"
    (narrowed,) = [step for step in found["steps"] if step["rule"] == "scope"]
    assert {*narrowed["kept"], *narrowed["cut"]} == {"ledger.read", "ledger.write"}


def test_a_refusal_names_its_step_what_was_expected_what_came_and_whose_turn_it_is(
    world: Bench, reader: Bearer
) -> None:
    found = told(reader, asked(world, subject_token=world.idp.subject_token(world.issuer, tier="silver")))
    assert (found["outcome"], found["claims"], found["scope"]) == ("refused", None, [])
    reason = Reason.MAPPING_RULE_UNMET
    assert found["refusal"] == {
        "reason": reason.value,
        "status": 400,
        "error": "invalid_target",
        "title": str(explain(reason).title),
        "why": str(explain(reason).why),
        "remedy": str(explain(reason).remedy),
        "whose_turn": mender_of(reason).side.value,
    }
    stop = next(number for number, step in enumerate(found["steps"]) if step["state"] == "refused")
    assert found["steps"][stop]["expected"] == "ledger v1: tier equals gold"
    assert "silver" in found["steps"][stop]["received"]
    assert {step["state"] for step in found["steps"][stop + 1 :]} == {"not_reached"}


def test_typed_claims_are_answered_and_it_is_said_that_no_signature_was_checked(world: Bench, reader: Bearer) -> None:
    found = told(reader, asked(world, subject_token=None, subject_claims=claims_of(world)))
    assert (found["outcome"], found["is_typed"]) == ("granted", True)


def test_a_moment_can_be_chosen(world: Bench, reader: Bearer) -> None:
    then = {"iat": 1930000000, "exp": 1930000300}
    sent = asked(world, subject_token=None, subject_claims=claims_of(world, **then), at="2031-02-28T00:07:00+01:00")
    found = told(reader, sent)
    assert (found["outcome"], found["claims"]["iat"]) == ("granted", 1930000020)
    late = told(reader, sent | {"at": "2031-02-27T23:59:00Z"})
    assert late["refusal"]["reason"] == "token.expired"


def test_a_client_asks_in_its_own_name_without_a_token(world: Bench, reader: Bearer) -> None:
    found = told(reader, asked(world, subject_token=None, grant_type="client_credentials"))
    assert (found["outcome"], found["is_typed"], found["partner"]) == ("refused", False, "kestrel")


def test_an_actor_token_is_verified_too(world: Bench, reader: Bearer) -> None:
    typed = {"actor_claims": claims_of(world, aud="https://elsewhere.example")}
    steps = told(reader, asked(world, **typed))["steps"]
    assert [step["state"] for step in steps if step["rule"] == "actor_token"] == ["refused"]


def test_an_opaque_token_is_decided_by_nobody_here(world: Bench, reader: Bearer) -> None:
    found = told(reader, asked(world, subject_token="ho_" + "x" * 43))
    assert (found["outcome"], found["refusal"], found["claims"]) == ("undecided", None, None)


def test_a_draft_stands_in_for_what_is_in_force(world: Bench, reader: Bearer) -> None:
    row = ScopeMapping.objects.get(partner__slug="kestrel", name="ledger", source="trust")
    row.id, row.version, row.state, row._state.adding = ScopeMapping().id, 2, "draft", True
    row.rules = [{"claim": "tier", "operator": "equals", "value": "platinum"}]
    row.save()
    assert told(reader, asked(world))["outcome"] == "granted"
    with_draft = told(reader, asked(world, draft=str(row.id)))
    assert with_draft["refusal"]["reason"] == "policy.mapping_rule_unmet"


def test_a_partner_that_is_not_active_yet_can_be_tried_as_if_it_were(world: Bench, reader: Bearer) -> None:
    Partner.objects.filter(slug="kestrel").update(state="tested")
    assert told(reader, asked(world))["refusal"]["whose_turn"] == "us"
    assert told(reader, asked(world, as_if_active=True))["outcome"] == "granted"


def test_a_try_spends_records_and_keeps_nothing_also_under_a_key(world: Bench, reader: Bearer) -> None:
    once = asked(world, subject_token=world.once.subject_token(world.issuer))
    before = Event.objects.count()
    for _ in range(2):
        answer = tried(reader, once, **{"idempotency-key": "k-1"})
        assert answer.json()["outcome"] == "granted"
        assert "Idempotent-Replayed" not in answer
    assert (Event.objects.count(), SpentJti.objects.count(), IssuedToken.objects.count()) == (before, 0, 0)
    assert not KeptAnswer.objects.exists()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"client": None}, "client"),
    ({"client": ""}, "client"),
    ({"subject_token": None}, "subject_token"),
    ({"subject_claims": {}}, "subject_claims"),
    ({"actor_token": "x", "actor_claims": {}}, "actor_claims"),
    ({"subject_token": None, "subject_claims": []}, "subject_claims"),
    ({"audience": ["two words"]}, "audience[0]"),
    ({"audience": "https://ledger.example"}, "audience"),
    ({"grant_type": "password"}, "grant_type"),
    ({"at": "yesterday"}, "at"),
    ({"at": "2031-02-27T23:07:00"}, "at"),
    ({"at": "9999-12-31T23:59:59Z"}, "at"),
    ({"draft": "no-id"}, "draft"),
    ({"draft": str(uuid4())}, "draft"),
    ({"has_proof": "yes"}, "has_proof"),
    ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "subject_token_type"),
]


def test_what_cannot_be_read_is_named(world: Bench, reader: Bearer) -> None:
    for changes, field in WRONG:
        answer = tried(reader, asked(world, **changes))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields"), (changes, answer.content)
        assert field in [item["field"] for item in answer.json()["fields"]], changes


MISPLACED = ("subject_token", "subject_claims", "actor_token", "client", "audience", "token", "at", "draft", "name")


def test_a_token_is_in_no_answer_wherever_it_was_put(world: Bench, reader: Bearer) -> None:
    token = world.idp.subject_token(world.issuer)
    sent = asked(world, scope=["ledger.read"])
    for member in MISPLACED:
        for value in (token, [token], {token: token}):
            answer = tried(reader, sent | {member: value}).content.decode()
            assert token.rpartition(".")[2] not in answer, member


def test_a_fault_while_a_token_is_tried_tells_the_log_nothing_of_it(
    world: Bench, reader: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(simulations, "simulate", fail)
    sent = asked(world)
    with capture_logs() as lines:
        answer = tried(reader, sent)
    assert (answer.status_code, answer.json()["code"]) == (500, "server_error")
    (line,) = lines
    text = "".join(traceback.format_exception(line.pop("exc_info"))) + str(line)
    assert "out of order" in text
    assert [part for part in sent["subject_token"].split(".") if part in text] == []


def test_the_example_of_the_description_is_a_try(world: Bench, reader: Bearer) -> None:
    assert told(reader, EXAMPLES["Try"])["refusal"]["reason"] == "client.unknown"
    assert world.issuer


HOSTILE = ["<script>alert(1)</script>", "'; DROP TABLE partners_client; --", "\u202etxt", 10**30]


def test_hostile_claims_are_tried_like_any_other(world: Bench, reader: Bearer) -> None:
    for text in HOSTILE:
        claims = claims_of(world, sub=text, tier=text, odd={"a": [text]})
        assert told(reader, asked(world, subject_token=None, subject_claims=claims))["outcome"] == "refused"


def test_a_try_takes_few_queries(world: Bench, reader: Bearer, django_assert_max_num_queries: Any) -> None:
    sent = asked(world)
    with django_assert_max_num_queries(12):
        assert told(reader, sent)["outcome"] == "granted"


def test_a_recorded_exchange_is_tried_again_under_what_is_in_force_now(world: Bench, reader: Bearer) -> None:
    exchanged(world, timezone.now())
    reference = Event.objects.get(kind="exchange.granted").correlation_id
    path = f"exchanges/{reference}/try"
    found = reader.call("POST", path, "{}").json()
    assert (found["outcome"], found["is_typed"], found["partner"]) == ("granted", True, "kestrel")
    assert found["at"] == reader.call("GET", f"exchanges/{reference}").json()["at"]
    draft = drafted(rules=SILVER)
    assert reader.call("POST", path, "{}").json()["outcome"] == "granted"
    refused = reader.call("POST", path, json.dumps({"draft": str(draft.id)})).json()
    assert refused["refusal"]["reason"] == "policy.mapping_rule_unmet"


def test_an_exchange_of_which_too_little_is_known_is_not_tried_again(world: Bench, reader: Bearer) -> None:
    assert world.issuer
    reference = happenings.unauthenticated(at=timezone.now(), client="")
    answer = reader.call("POST", f"exchanges/{reference}/try", "{}")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_try"), answer.content
    assert reader.call("POST", f"exchanges/{uuid4()}/try", "{}").status_code == 404
    nowhere = reader.call("POST", f"exchanges/{reference}/try", json.dumps({"draft": str(uuid4())}))
    assert (nowhere.status_code, nowhere.json()["fields"][0]["field"]) == (422, "draft")


def test_keys_that_nobody_saw_yet_are_fetched_for_a_partner_that_is_being_registered_and_for_no_other(
    world: Bench, reader: Bearer, settings: Any
) -> None:
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.1/32"),))
    outbound_client.cache_clear()
    with identity_provider(world.idp.key) as idp:
        source = FederationTrust.objects.get(name="ledger").key_source
        KeySource.objects.filter(pk=source.pk).update(method="discovery", location=idp.url, jwks={})
        FederationTrust.objects.filter(name="ledger").update(issuer=idp.url)
        token = Signer(idp.url, world.idp.key).subject_token(world.issuer)
        sent = asked(world, subject_token=token, as_if_active=True)
        for more in ({}, {"partner": "kestrel"}, {"partner": "nobody"}):
            assert told(reader, sent | more)["refusal"]["reason"] == "token.key_unknown"
        Partner.objects.filter(slug="kestrel").update(state="configuring")
        assert told(reader, sent)["refusal"]["reason"] == "token.key_unknown"
        assert idp.fetches() == 0
        for _ in range(2):
            assert told(reader, sent | {"partner": "kestrel"})["outcome"] == "granted"
        assert idp.fetches() == 1
    outbound_client.cache_clear()
