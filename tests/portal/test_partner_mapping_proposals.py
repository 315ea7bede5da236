"""What the partner proposes of a mapping: a draft that counts for nothing before somebody of ours publishes it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from audit.models import Event
from partners import models
from portal.models import Invitation, Proposal, User
from portal.roles import Role
from tests import world as worlds
from tests.portal import organisation as organisations
from tests.portal import partner_side
from tests.portal.conftest import prove

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.portal.partner_side import Sides

MAPPING = "/connect/mappings/kestrel-sandbox"
OURS = "/partners/kestrel/mappings/kestrel-sandbox"
SARA = "partner.manager@meridian.example"
STAMP = re.compile(r'name="stamp" value="([^"]*)"')


@pytest.fixture
def sides(db: None) -> Sides:  # noqa: ARG001 - asked for its transaction
    cache.clear()
    built = partner_side.build()
    Proposal.objects.all().delete()
    return built


@pytest.fixture
def manager(sides: Sides) -> Client:  # noqa: ARG001 - the partner whose owner she is
    client = Client()
    client.force_login(organisations.person(Role.PARTNER_MANAGER, name="Sara Haddad"))
    prove(client)
    models.Partner.objects.filter(slug="kestrel").update(owner=User.objects.get(email=SARA))
    return client


def stamp_on(page: str) -> str:
    found = STAMP.search(page)
    return unescape(found[1]) if found else ""


def propose(sides: Sides, path: str = MAPPING, **fields: str) -> Any:
    """Send the form as it is shown, with other words in some of its fields."""
    shown = sides.browser.get(MAPPING).content.decode()
    form = {"target": "sandbox", "rules": "tier equals gold", "grants": "settle:write -> ledger.write"}
    return sides.browser.post(path, {"stamp": stamp_on(shown), **form, **fields})


def drafts() -> list[models.ScopeMapping]:
    return list(models.ScopeMapping.objects.filter(state="draft"))


def in_force() -> models.ScopeMapping:
    return models.ScopeMapping.objects.get(name="kestrel-sandbox", state="published")


def written_by_ours(state: str = "draft", **fields: Any) -> None:
    """Version 2 by one of ours: the draft, or in the place of what is in force."""
    row = in_force()
    if state == "published":
        models.ScopeMapping.objects.filter(pk=row.pk).update(state="superseded")
    row.pk, row.version, row.state, row.author = uuid4(), 2, state, SARA
    for name, value in fields.items():
        setattr(row, name, value)
    row._state.adding = True
    row.save(force_insert=True)


def test_conditions_and_scopes_are_a_draft_whose_difference_both_sides_see_and_ours_publishes(
    sides: Sides, manager: Client
) -> None:
    before = (in_force().rules, in_force().grants)
    assert propose(sides, rules="tier one_of gold, silver\nverified equals true")["Location"] == "/connect"
    assert (in_force().rules, in_force().grants) == before
    (draft,) = drafts()
    assert draft.author == partner_side.MEI
    assert draft.rules == [
        {"claim": "tier", "operator": "one_of", "value": ["gold", "silver"]},
        {"claim": "verified", "operator": "equals", "value": True},
    ]
    assert "Draft waits" in sides.browser.get("/connect").content.decode()
    for page in (sides.browser.get(MAPPING), manager.get(f"{OURS}/versions")):
        text = unescape(page.content.decode())
        assert partner_side.MEI in text
        assert text.count("Changed") >= 2
        assert "silver" in text
    letter = mail.outbox[0]
    assert (letter.to, f"{OURS}/versions" in str(letter.body)) == ([SARA], True)
    stamp = stamp_on(manager.get(f"{OURS}/versions").content.decode())
    assert manager.post(f"{OURS}/publish", {"stamp": stamp}).status_code == 302
    assert (in_force().rules, in_force().grants) == (draft.rules, {"settle:write": ["ledger.write"]})
    published = Event.objects.get(kind="mapping.published")
    assert published.actor == f"user:{SARA}"


def test_what_ours_discard_leaves_what_is_in_force_and_a_line_in_the_partners_history(
    sides: Sides, manager: Client
) -> None:
    propose(sides)
    stamp = stamp_on(manager.get(f"{OURS}/versions").content.decode())
    before = sides.browser.get("/connect/history").content.decode().count("<li>")
    assert manager.post(f"{OURS}/discard", {"stamp": stamp}).status_code == 302
    assert drafts() == []
    assert "Draft waits" not in sides.browser.get("/connect").content.decode()
    assert sides.browser.get("/connect/history").content.decode().count("<li>") == before + 1


def test_the_partner_withdraws_its_own_draft(sides: Sides) -> None:
    propose(sides)
    assert "Withdraw what was proposed" in sides.browser.get(MAPPING).content.decode()
    assert propose(sides, f"{MAPPING}/withdraw")["Location"] == "/connect"
    assert drafts() == []
    kinds = Event.objects.filter(kind__in=["mapping.drafted", "configuration.applied"], target=worlds.LEDGER)
    assert {event.actor for event in kinds} == {f"user:{partner_side.MEI}"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"grants": "settle:write"}, "has not two sides"),
        ({"grants": "a -> ledger.nothing"}, "What your scopes become"),
        ({"grants": "a -> \u202e"}, "What your scopes become"),
        ({"rules": "tier is gold"}, "Line 1 is no condition"),
        ({"rules": "tier matches (["}, "Conditions on your token"),
        ({"rules": "\u202e equals gold\x00"}, "a character came that no text can hold"),
        ({"target": "secret-api"}, "This audience is not offered to you"),
        ({"target": "none-such"}, "This audience is not offered to you"),
    ],
)
def test_what_no_mapping_may_say_is_refused_beside_its_field(sides: Sides, fields: dict[str, str], words: str) -> None:
    models.Target.objects.create(name="secret-api", audience="https://secret.meridian.example")
    answer = propose(sides, **fields)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "secret.meridian.example" not in answer.content.decode()
    assert drafts() == []


def test_another_audience_is_one_of_those_offered_and_leaves_the_scopes_of_the_former_behind(sides: Sides) -> None:
    reports = models.Target.objects.create(name="reports", audience="https://reports.meridian.example")
    models.Scope.objects.create(target=reports, name="reports.read", description="Read reports")
    models.Partner.objects.filter(slug="kestrel").update(default_target=reports)
    written_by_ours("published", always=["ledger.read"])
    assert "reports.meridian.example" in sides.browser.get(MAPPING).content.decode()
    assert propose(sides, target="reports", grants="r -> reports.read").status_code == 302
    (draft,) = drafts()
    assert (draft.target, draft.always, draft.grants) == (reports, [], {"r": ["reports.read"]})
    assert in_force().always == ["ledger.read"]


def test_expressions_are_shown_and_are_not_the_partners_to_write(sides: Sides) -> None:
    expressions = {"condition": "claims.level > 2", "scopes_expression": "claims.roles.map(r, string(r))"}
    written_by_ours("published", **expressions, lifetime=timedelta(minutes=3))
    page = unescape(sides.browser.get(MAPPING).content.decode())
    assert "claims.level > 2" in page
    assert "claims.roles.map(r, string(r))" in page
    mine = {"condition": "true", "scopes_expression": "['ledger.write']", "lifetime": "1h", "always": "ledger.write"}
    assert propose(sides, **mine, allows_impersonation="on", position="1").status_code == 302
    (draft,), current = drafts(), in_force()
    for field in ("condition", "scopes_expression", "lifetime", "always", "allows_impersonation", "position"):
        assert getattr(draft, field) == getattr(current, field)


def test_a_mapping_that_one_of_ours_is_changing_is_left_alone_and_not_shown(sides: Sides) -> None:
    written_by_ours(grants={"secret:plan": ["ledger.read"]})
    page = sides.browser.get(MAPPING).content.decode()
    assert "Somebody here is changing this mapping" in page
    assert "secret:plan" not in page
    late = propose(sides, grants="typed:long -> ledger.read", stamp="x")
    assert late.status_code == 409
    assert "typed:long -&gt; ledger.read" in late.content.decode()
    assert propose(sides, f"{MAPPING}/withdraw", stamp="x").status_code == 409
    assert [draft.grants for draft in drafts()] == [{"secret:plan": ["ledger.read"]}]


def test_the_second_of_two_writers_sees_what_the_first_wrote_and_loses_nothing(sides: Sides) -> None:
    propose(sides, grants="first:one -> ledger.read")
    late = propose(sides, grants="second:one -> ledger.read", stamp="v1p")
    page = unescape(late.content.decode())
    assert late.status_code == 409
    assert "first:one" in page
    assert "second:one -> ledger.read" in page
    assert [draft.grants for draft in drafts()] == [{"first:one": ["ledger.read"]}]
    assert propose(sides, f"{MAPPING}/withdraw", stamp="v1p").status_code == 409
    assert propose(sides, grants="second:one -> ledger.read", stamp=stamp_on(late.content.decode())).status_code == 302
    assert [draft.grants for draft in drafts()] == [{"second:one": ["ledger.read"]}]


def test_what_is_in_force_already_is_nothing_to_propose(sides: Sides) -> None:
    answer = propose(sides, grants="settle:write -> ledger.read ledger.write")
    assert answer.status_code == 422
    assert "nothing to propose" in answer.content.decode()
    assert drafts() == []


@pytest.fixture
def active(sides: Sides, manager: Client) -> str:
    """The partner is active, its admin was let in by the manager, and wrote a draft; the stamp of that."""
    models.Partner.objects.filter(slug="kestrel").update(state="active")
    now, sara = timezone.now(), User.objects.get(email=SARA)
    invited = {"partner": sides.kestrel, "email": "Mei@kestrel.example", "made_by": sara, "digest": b"d" * 32}
    Invitation.objects.create(**invited, expires_at=now, used_at=now)
    propose(sides)
    return stamp_on(manager.get(f"{OURS}/versions").content.decode())


def test_whoever_let_the_author_in_is_no_second_person_about_the_draft(
    sides: Sides, manager: Client, active: str, signed_in: Callable[[Role | None], Client]
) -> None:
    assert sides.kestrel.slug == "kestrel"
    page = manager.get(f"{OURS}/versions").content.decode()
    assert "You invited mei@kestrel.example" in page
    assert "Publish version" not in page
    answer = manager.post(f"{OURS}/publish", {"stamp": active})
    assert answer.status_code == 409
    assert "You invited mei@kestrel.example" in answer.content.decode()
    call = manager.post("/api/v1/partners/kestrel/mappings/kestrel-sandbox/publish", "{}", "application/json")
    assert (call.status_code, call.json()["code"]) == (409, "second_person_needed"), call.content.decode()
    assert in_force().version == 1
    other = signed_in(Role.SECURITY_ADMIN)
    assert other.post(f"{OURS}/publish", {"stamp": active}).status_code == 302
    assert in_force().version == 2


def test_the_inviters_other_account_is_no_second_person_either(
    manager: Client, active: str, signed_in: Callable[[Role | None], Client]
) -> None:
    other = signed_in(Role.SECURITY_ADMIN)
    User.objects.filter(email__startswith="somebody.security").update(person=User.objects.get(email=SARA))
    assert other.post(f"{OURS}/publish", {"stamp": active}).status_code == 409
    assert manager.get(f"{OURS}/versions").status_code == 200
    assert in_force().version == 1
