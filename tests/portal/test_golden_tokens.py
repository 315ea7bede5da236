"""Golden tokens: kept from the simulator, tried again when something moved, in the way of a mapping that breaks one."""

from __future__ import annotations

import ast
import json
import re
from html import unescape
from io import StringIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from audit import selectors
from audit.events import Actor, ActorKind
from audit.models import Event
from exchange import golden, golden_lists
from exchange.models import GoldenToken
from exchange.tasks import try_golden_tokens
from partners import inventory, key_sources, services
from partners.changes import Change, changing
from partners.key_sources import Answer
from partners.models import KeySource, Partner, ScopeMapping
from portal.documents.applying import Options, apply
from portal.documents.errors import DocumentsRefused
from portal.documents.exporting import export
from portal.documents.reading import read_documents, sources
from portal.roles import Role
from tests.house.sources import ROOT
from tests.portal import bench
from tests.portal.test_simulator import claims_of, fields
from tests.signers import make_key, public_jwk

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.bench import Bench

ADA = Actor(ActorKind.USER, "ada@meridian.example")
SAVE = "/simulator/cases/save"


@pytest.fixture
def world(db: None) -> Bench:  # noqa: ARG001 - asked for its transaction
    return bench.build()


def kept(world: Bench, browser: Client, name: str = "Gold may read", **changes: Any) -> GoldenToken:
    """A case kept from the simulator."""
    sent = {"token": None, "claims": claims_of(world, email="user@kestrel.example")} | changes
    answer = browser.post(SAVE, fields(world, name=name, **sent))
    assert answer.status_code == 302, answer.content.decode()
    return GoldenToken.objects.get(name=name)


def moved(**rule: Any) -> None:
    """Another version of kestrel's mapping to the ledger is in force."""
    row = ScopeMapping.objects.get(partner__slug="kestrel", name="ledger", source="trust", state="published")
    ScopeMapping.objects.filter(pk=row.pk).update(state="superseded")
    row.id, row.version, row._state.adding = ScopeMapping().id, row.version + 1, True
    row.rules = [{"claim": "tier", "operator": "equals", "value": "gold"} | rule]
    row.save()
    change = Change(ADA)
    change.touch(row.partner_id)
    change.publish()


def of_a_case(document: Any) -> Any:
    """An event that is about a golden token."""
    return document if document["data"].get("object") == "Golden token" else None


def test_a_case_keeps_header_end_and_the_claims_that_rules_read_and_no_signature(world: Bench, browser: Client) -> None:
    sent = world.idp.subject_token(world.issuer, email="user@kestrel.example")
    case = kept(world, browser, token=sent, claims=None)
    assert case.question["subject"]["header"] == {"alg": "ES256", "kid": world.idp.key.kid, "typ": "JWT"}
    assert {"iss", "sub", "aud", "exp", "iat", "jti", "scope", "tier"} == set(case.question["subject"]["claims"])
    assert sent.rpartition(".")[2] not in json.dumps(case.question)
    assert case.expected == {"outcome": "granted", "reason": "", "step": "", "scope": ["ledger.read"]}
    page = browser.get(f"/simulator/cases/{case.id}").content.decode()
    assert "it is not checked again" in page
    assert "granted: ledger.read" in page


def test_a_refusal_is_kept_with_its_reason_and_its_step(world: Bench, browser: Client) -> None:
    case = kept(world, browser, claims=claims_of(world, tier="silver"))
    assert (case.expected["reason"], case.expected["step"]) == ("policy.mapping_rule_unmet", "mapping")


def test_what_is_done_to_a_case_is_audited(world: Bench, browser: Client) -> None:
    case = kept(world, browser)
    browser.post(f"/simulator/cases/{case.id}/rename", {"name": "Gold reads"})
    browser.post(f"/simulator/cases/{case.id}/delete")
    events = [told for event in Event.objects.order_by("id") if (told := of_a_case(json.loads(event.canonical)))]
    told = [(event["data"]["name"], event["data"]["change"]) for event in events]
    assert told == [("Gold may read", "saved"), ("Gold reads", "renamed"), ("Gold reads", "deleted")]
    assert {event["partner"] for event in events} == {"kestrel"}
    assert {event["actor"]["kind"] for event in events} == {"user"}
    assert not GoldenToken.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "a\nb", "\u202etxt"])
def test_a_name_that_will_not_do_is_said_and_the_request_is_still_there(
    world: Bench, browser: Client, name: str
) -> None:
    answer = browser.post(SAVE, fields(world, token=None, claims=claims_of(world), name=name, scope="ledger.read"))
    page = unescape(answer.content.decode())
    assert answer.status_code == 422
    assert "has 1 to 120 printable characters" in page
    assert 'value="ledger.read"' in page
    assert not GoldenToken.objects.exists()


def test_a_name_that_is_taken_is_said_when_saving_and_when_renaming(world: Bench, browser: Client) -> None:
    kept(world, browser, "One")
    other = kept(world, browser, "Two")
    again = browser.post(SAVE, fields(world, token=None, claims=claims_of(world), name="One"))
    renamed = browser.post(f"/simulator/cases/{other.id}/rename", {"name": "One"})
    for answer in (again, renamed):
        assert answer.status_code == 422
        assert "is called “One”" in answer.content.decode()


def test_what_the_database_cannot_hold_is_refused_in_words(world: Bench, browser: Client) -> None:
    claims = claims_of(world)[:-1] + ', "scope": "a\\u0000b"}'
    answer = browser.post(SAVE, fields(world, token=None, claims=claims, name="NUL"))
    assert answer.status_code == 422
    assert "which cannot be kept" in answer.content.decode()


def test_a_client_of_our_own_has_no_partner_to_keep_a_case_for(world: Bench, browser: Client) -> None:
    sent = fields(world, token=None, claims=claims_of(world), name="Ours", client="ledger-service")
    answer = browser.post(SAVE, sent)
    assert answer.status_code == 422
    assert "belongs to no partner" in answer.content.decode()


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ENGINEER])
def test_only_who_may_write_keeps_renames_and_deletes(
    world: Bench, browser: Client, signed_in: Callable[[Role | None], Client], role: Role
) -> None:
    case = kept(world, browser)
    other = signed_in(role)
    assert other.post(SAVE, fields(world, name="x")).status_code == 403
    for act in ("rename", "delete"):
        assert other.post(f"/simulator/cases/{case.id}/{act}", {"name": "x"}).status_code == 403
    assert "Delete the golden token" not in other.get(f"/simulator/cases/{case.id}").content.decode()


@pytest.mark.usefixtures("world")
def test_a_case_that_is_gone_is_said_to_be_so(browser: Client) -> None:
    for act in ("", "/run", "/rename", "/delete"):
        address = f"/simulator/cases/{uuid4()}{act}"
        answer = browser.post(address) if act else browser.get(address)
        assert answer.status_code == 404
        assert "golden token" in answer.content.decode()


def test_a_change_turns_a_case_red_and_the_next_one_green_again(world: Bench, browser: Client) -> None:
    case = kept(world, browser)
    try_golden_tokens()
    assert golden_lists.case(case.id).is_green  # type: ignore[union-attr]
    moved(value="platinum")
    assert golden.run_due() == 1
    assert golden.run_due() == 0
    red = golden_lists.case(case.id)
    assert red is not None
    assert not red.is_green
    assert red.found == "refused at mapping: policy.mapping_rule_unmet"
    assert "Red" in browser.get("/simulator/cases?partner=kestrel").content.decode()
    moved()
    golden.run_due()
    recent = [told for record in selectors.recent_changes(size=9) if (told := of_a_case(record.document))]
    assert [event["data"]["change"] for event in recent] == ["green again", "red", "saved"]


def test_another_key_turns_a_case_red(world: Bench, browser: Client) -> None:
    case = kept(world, browser)
    source = KeySource.objects.get(trust__partner__slug="kestrel", trust__name="ledger")
    source.jwks = {"keys": [key | {"kid": "another"} for key in source.jwks["keys"]]}
    source.save()
    browser.post(f"/simulator/cases/{case.id}/run")
    assert GoldenToken.objects.get(pk=case.pk).found["reason"] == "token.key_unknown"


def test_the_catalogue_moving_is_a_reason_to_try_again_too(world: Bench, browser: Client) -> None:
    kept(world, browser)
    change = Change(ADA)
    change.touch_catalogue()
    change.publish()
    assert golden.run_due() == 1


def test_our_own_keys_moving_is_one_where_a_token_of_ours_is_tried_and_nowhere_else(
    world: Bench, browser: Client
) -> None:
    kept(world, browser)
    change = Change(ADA)
    change.touch_keys()
    change.publish()
    assert golden.run_due() == 0
    case = kept(world, browser, "Ours", claims=json.dumps({"iss": world.issuer, "scope": "ledger.read"}))
    assert golden.run_due() == 0
    change.publish()
    assert golden.run_due() == 1
    case.refresh_from_db()
    assert case.checked_epoch > 0


def test_a_partners_new_keys_are_one_as_soon_as_they_are_fetched(world: Bench, browser: Client) -> None:
    kept(world, browser)
    source = KeySource.objects.get(trust__partner__slug="kestrel", trust__name="ledger")
    KeySource.objects.filter(pk=source.pk).update(method="jwks_uri", location="https://idp.kestrel.example/jwks")
    claimed = key_sources.claim(source.pk, is_scheduled=False)
    assert claimed is not None
    keys = (*source.jwks["keys"], public_jwk(make_key("ES256", "another")))
    answer = Answer(keys=keys, left_out=(), jwks_uri=claimed.location, proposed_uri="", etag="", max_age=None)
    with changing(ADA) as change:
        key_sources.record_success(change, claimed, answer)
    assert golden.run_due() == 1
    assert GoldenToken.objects.get().is_green


def test_a_release_is_one_for_every_case(world: Bench, browser: Client) -> None:
    kept(world, browser)
    assert golden.run_due() == 0
    golden.make_all_due()
    assert golden.run_due() == 1
    assert golden.run_due() == 0


@pytest.mark.usefixtures("committed_database")
def test_migrating_to_a_release_makes_every_case_due() -> None:
    bench.build()
    fields = {"question": {"client_id": "kestrel-batch"}, "expected": {}, "found": {}, "checked_at": timezone.now()}
    partner = Partner.objects.get(slug="kestrel")
    case = GoldenToken.objects.create(partner=partner, name="Gold", checked_epoch=7, **fields)
    call_command("migrate", verbosity=0, interactive=False, no_signing_key=True)
    case.refresh_from_db()
    assert case.checked_epoch == golden.NEVER


def declared(**changes: Any) -> Any:
    """Kestrel's mapping to the ledger as a declaration, with changes."""
    from dataclasses import replace  # noqa: PLC0415 - beside its one use

    row = ScopeMapping.objects.get(partner__slug="kestrel", name="ledger", source="trust", state="published")
    return replace(inventory.mapping(row), **changes)


def test_a_mapping_that_breaks_a_case_is_not_published(world: Bench, browser: Client) -> None:
    kept(world, browser)
    change = Change(ADA)
    services.publish_mapping(change, declared(always=()))
    with pytest.raises(golden.CasesAreRed, match=r"expected granted: ledger\.read; now granted: no scope"):
        golden.require_green(change)


def test_a_mapping_that_breaks_none_is_published(world: Bench, browser: Client) -> None:
    kept(world, browser)
    change = Change(ADA)
    services.publish_mapping(change, declared(position=7))
    golden.require_green(change)
    assert change.published == {Partner.objects.get(slug="kestrel").id}


def test_documents_that_break_a_case_are_refused_whole(world: Bench, browser: Client, tmp_path: Any) -> None:
    kept(world, browser)
    file = tmp_path / "mapping.yaml"
    file.write_text(export([declared(always=())]), encoding="utf-8")
    with pytest.raises(DocumentsRefused, match="Nothing was published"):
        apply(read_documents(sources([str(file)]), {}), ADA, Options(is_rehearsal=True))


def test_whoever_publishes_a_mapping_asks_the_golden_tokens() -> None:
    """In the same module, or by way of the one function that opens the change: for documents, and for the API."""
    publishing = re.compile(r"services\.publish_(mapping|draft)\(")
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "portal").rglob("*.py")}
    callers = [path for path, text in sources.items() if publishing.search(text) and "require_green(" not in text]
    for path in callers:
        is_of_api = path.parent.name == "api" and "perform(" in sources[path]
        assert is_of_api or path.name == "writing.py", path
    for place in ("documents/applying.py", "api/answers.py"):
        assert "require_green(" in sources[ROOT / "portal" / place]
    users = [path.name for path, text in sources.items() if _takes(text, "portal.documents.writing", "write")]
    assert users == ["applying.py"]


def _takes(text: str, module: str, name: str) -> bool:
    """Whether a module imports this name of that one."""
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and node.module == module]
    return any(alias.name == name for node in imports for alias in node.names)


def test_the_command_names_what_is_red_and_fails(world: Bench, browser: Client) -> None:
    kept(world, browser)
    out, error = StringIO(), StringIO()
    call_command("golden", stdout=out)
    assert "1 golden tokens tried, 0 red" in out.getvalue()
    moved(value="platinum")
    with pytest.raises(CommandError, match="are red"):
        call_command("golden", "--partner", "kestrel", stdout=out, stderr=error)
    assert "kestrel: Gold may read: expected granted: ledger.read" in error.getvalue()
    call_command("golden", "--partner", "fjord", stdout=out)


def test_the_list_goes_on_page_by_page_in_few_queries(
    world: Bench, browser: Client, django_assert_max_num_queries: Any
) -> None:
    case = kept(world, browser)
    for number in range(60):
        case.pk, case.name, case._state.adding = GoldenToken().pk, f"copy {number}", True
        case.save()
    with django_assert_max_num_queries(12):
        first = browser.get("/simulator/cases").content.decode()
    older = re.search(r'href="([^"]*)" rel="next"', first)
    assert older
    second = browser.get(unescape(older[1])).content.decode()
    names = [re.findall(r'<a class="strong" href="[^"]*">([^<]*)</a>', page) for page in (first, second)]
    assert [len(page) for page in names] == [50, 11]
    assert len({*names[0], *names[1]}) == 61


def test_too_many_cases_of_one_partner_are_refused(
    world: Bench, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(world, browser)
    monkeypatch.setattr(golden, "MOST_OF_A_PARTNER", 1)
    answer = browser.post(SAVE, fields(world, token=None, claims=claims_of(world), name="One more"))
    assert answer.status_code == 422
    assert "Delete one that says little" in answer.content.decode()


def test_a_case_opens_in_the_simulator(world: Bench, browser: Client) -> None:
    case = kept(world, browser)
    page = unescape(browser.get(f"/simulator?case={case.id}").content.decode())
    assert '"tier": "gold"' in page
    assert 'value="kestrel-batch"' in page


@pytest.mark.usefixtures("world")
def test_an_empty_list_says_why_and_what_to_do(browser: Client) -> None:
    assert "No golden token yet" in browser.get("/simulator/cases").content.decode()
