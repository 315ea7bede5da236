"""The simulator's page: what is tried is answered step by step, and a pasted token is in no answer."""

from __future__ import annotations

import json
import time
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from audit.models import Event
from exchange.models import IssuedToken, SpentJti
from policy.places import places_of
from policy.reasons import Reason, Rule
from portal.explanations.menders import SIDES, Place, mender_of
from portal.explanations.words import explain
from portal.roles import Role
from tests import world as worlds
from tests.portal import bench, happenings

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.bench import Bench
    from tests.portal.organisation import Organisation

MAX_QUERIES = 12


@pytest.fixture
def world(db: None) -> Bench:  # noqa: ARG001 - asked for its transaction
    return bench.build()


def fields(world: Bench, **changes: Any) -> dict[str, Any]:
    """A form that leads to a token."""
    good = {
        "client": "kestrel-batch",
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": worlds.LEDGER,
        "token": world.idp.subject_token(world.issuer),
        "subject_token_type": worlds.ACCESS_TOKEN,
        "actor_token_type": worlds.ACCESS_TOKEN,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def claims_of(world: Bench, **changes: Any) -> str:
    """The claims of a good token, as somebody types them."""
    now = int(time.time())
    good = {"iss": world.idp.issuer, "sub": "user-1", "aud": world.issuer, "iat": now, "exp": now + 300, "tier": "gold"}
    return json.dumps(good | changes)


def test_a_pasted_token_that_would_do_shows_the_claims_of_the_new_one(world: Bench, browser: Client) -> None:
    sent = fields(world)
    answer = browser.post("/simulator", sent)
    page = unescape(answer.content.decode())
    assert answer.status_code == 200
    assert "A token would be minted" in page
    assert '"sub": "partner:kestrel:user-1"' in page
    assert page.count('<span class="ms">not reached</span>') == 1
    assert sent["token"].rpartition(".")[2] not in page
    assert '"tier": "gold"' in page
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_refusal_names_the_step_whose_turn_it_is_and_where(world: Bench, browser: Client) -> None:
    sent = fields(world, token=world.idp.subject_token(world.issuer, tier="silver"))
    page = unescape(browser.post("/simulator", sent).content.decode())
    assert "The request would be refused" in page
    assert str(explain(Reason.MAPPING_RULE_UNMET).remedy) in page
    assert str(SIDES[mender_of(Reason.MAPPING_RULE_UNMET).side]) in page
    assert 'href="/partners/kestrel/mappings"' in page
    assert "ledger v1: tier equals gold" in page
    assert page.count('<span class="ms">not reached</span>') == 5
    assert "400 invalid_target" in page


def test_typed_claims_are_answered_and_it_is_said_that_no_signature_was_checked(world: Bench, browser: Client) -> None:
    page = browser.post("/simulator", fields(world, token=None, claims=claims_of(world))).content.decode()
    assert "A token would be minted" in page
    assert "so no signature was checked" in page


def test_an_opaque_token_is_shown_to_nobody(world: Bench, browser: Client) -> None:
    page = browser.post("/simulator", fields(world, token="ho_" + "x" * 43)).content.decode()
    assert "Nobody here can tell" in page


def test_a_try_spends_records_and_changes_nothing(world: Bench, browser: Client) -> None:
    once = world.once.subject_token(world.issuer)
    before = Event.objects.count()
    for _ in range(2):
        sent = fields(world, token=once)
        assert "A token would be minted" in browser.post("/simulator", sent).content.decode()
    assert (Event.objects.count(), SpentJti.objects.count(), IssuedToken.objects.count()) == (before, 0, 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client": ""}, "“Client” is empty"),
        ({"token": ""}, "There is no token"),
        ({"claims": "{}"}, "only one can be tried"),
        ({"token": "", "claims": "{"}, "stops being JSON at line and column 1:2"),
        ({"token": "", "claims": "[]"}, "but no object"),
        ({"token": "", "claims": "[" * 5000}, "is nested too deep"),
        ({"token": "", "claims": '{"exp": NaN}'}, "stops being JSON"),
        ({"at": "yesterday"}, "“Moment” is no instant"),
        ({"grant_type": "password"}, "Grant: what came is not offered"),
        ({"draft": "no-id"}, "no draft has such an id"),
        ({"client": "x\0y"}, "a character came that no text can hold"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field_and_nothing_typed_is_lost(
    world: Bench, browser: Client, changes: dict[str, str], words: str
) -> None:
    answer = browser.post("/simulator", fields(world, scope="ledger.read", **changes))
    page = unescape(answer.content.decode())
    assert answer.status_code == 422
    assert words in page
    assert 'value="ledger.read"' in page


@pytest.mark.parametrize("sent", [{"client": ""}, {}])
def test_a_pasted_token_is_in_no_page(world: Bench, browser: Client, sent: dict[str, str]) -> None:
    token, actor = world.idp.subject_token(world.issuer), world.idp.subject_token(world.issuer)
    page = browser.post("/simulator", fields(world, token=token, actor_token=actor, **sent)).content.decode()
    for text in (token, actor):
        assert text.rpartition(".")[2] not in page
        assert text.partition(".")[0] not in page


@pytest.mark.parametrize("text", ['"\\ud800"', "1" * 40, "1e400", '"\\u0000"', "0.1", "[[]]", "null"])
def test_odd_values_of_claims_are_answered(world: Bench, browser: Client, text: str) -> None:
    claims = claims_of(world)[:-1] + f', "odd": {text}, "tier": {text}' + "}"
    answer = browser.post("/simulator", fields(world, token=None, claims=claims))
    assert answer.status_code == 200
    assert "The request would be refused" in answer.content.decode()


HOSTILE = ["<script>alert(1)</script>", "'; DROP TABLE partners_client; --", "=1+1", "\u202etxt", "x" * 255]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_an_answer_like_any_other(world: Bench, browser: Client, text: str) -> None:
    claims = claims_of(world, sub=text, tier=text)
    sent = fields(world, token=None, claims=claims, client=text, audience=text, scope=text)
    answer = browser.post("/simulator", sent)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()


def test_a_draft_stands_in_for_the_version_in_force(world: Bench, browser: Client) -> None:
    from partners.models import ScopeMapping  # noqa: PLC0415 - beside its one use

    row = ScopeMapping.objects.get(partner__slug="kestrel", name="ledger", source="trust")
    row.id, row.version, row.state, row._state.adding = ScopeMapping().id, 2, "draft", True
    row.rules = [{"claim": "tier", "operator": "equals", "value": "platinum"}]
    row.save()
    page = unescape(browser.post("/simulator", fields(world, draft=str(row.id))).content.decode())
    assert "ledger v2: tier equals platinum" in page
    assert "The draft of mapping ledger stands in" in page
    assert "A token would be minted" in browser.post("/simulator", fields(world)).content.decode()


def test_htmx_gets_the_bench_alone(world: Bench, browser: Client) -> None:
    part = browser.post("/simulator", fields(world), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "A token would be minted" in part


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_try_takes_few_queries(
    world: Bench, browser: Client, django_assert_max_num_queries: Any, headers: dict[str, str]
) -> None:
    with django_assert_max_num_queries(MAX_QUERIES):
        assert browser.post("/simulator", fields(world), headers=headers).status_code == 200


def test_an_exchange_can_be_tried_again_from_its_page(organisation: Organisation, browser: Client) -> None:
    page = browser.get(f"/exchanges/{organisation.granted}").content.decode()
    assert f'href="/simulator?exchange={organisation.granted}"' in page
    form = unescape(browser.get(f"/simulator?exchange={organisation.granted}").content.decode())
    for words in ('value="kestrel-settlement"', happenings.LEDGER, '"kid": "k-31"', '"tier": "gold"'):
        assert words in form


@pytest.mark.parametrize("kept", ["unauthenticated", "failed"])
def test_an_exchange_of_which_little_is_known_fills_in_what_there_is(
    organisation: Organisation, browser: Client, kept: str
) -> None:
    answer = browser.get(f"/simulator?exchange={getattr(organisation, kept)}")
    assert answer.status_code == 200


def test_an_exchange_that_is_not_there_is_said_to_be_so(browser: Client) -> None:
    answer = browser.get("/simulator?exchange=0199e0c4-7c1e-7a40-a940-5b0e1f2391d2")
    assert answer.status_code == 404
    assert "cannot be tried again" in answer.content.decode()


def test_an_auditor_may_try_and_an_engineer_may_not(world: Bench, signed_in: Callable[[Role | None], Client]) -> None:
    assert signed_in(Role.AUDITOR).post("/simulator", fields(world)).status_code == 200
    assert signed_in(Role.ENGINEER).post("/simulator", fields(world)).status_code == 403


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_its_steps_and_somebody_whose_turn_it_is(reason: Reason) -> None:
    assert set(places_of(reason)) <= set(Rule)
    assert places_of(reason)
    assert mender_of(reason).side in SIDES
    assert mender_of(reason).place in set(Place)
