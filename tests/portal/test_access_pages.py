"""Effective access: the matrix, the way behind a cell, and who could call something, now and before."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid_utils.compat import uuid7

from audit.usage import usage, uses
from partners import models
from partners.access import PAGE_SIZE, Wanted, reach
from partners.mapping_values import COLUMNS, mapping_of
from partners.selectors import active_targets
from tests.portal import happenings
from tests.portal.organisation import partner
from tests.portal.test_query_plans import plans

if TYPE_CHECKING:
    from datetime import datetime

    from django.test import Client

    from tests.portal.organisation import Organisation

MAX_QUERIES = 12
HOUR = timedelta(hours=1)


@pytest.fixture
def settle(organisation: Organisation) -> models.ScopeMapping:
    """The mapping that leads Kestrel to the ledger."""
    return models.ScopeMapping.objects.get(partner=organisation.kestrel, name="settle", state="published")


def cells(page: str) -> list[str]:
    """What each open cell says to those who do not see it."""
    found = re.findall(r'<td class="lv[^"]*"><a[^>]*>(.*?)</a></td>', page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in found]


@pytest.mark.usefixtures("organisation")
def test_the_matrix_counts_the_scopes_of_each_partner_at_each_target(browser: Client) -> None:
    page = browser.get("/access").content.decode()
    assert cells(page) == [
        "2 scopes of Kestrel Payments at ledger-api",
        "1 scope of Kestrel Payments at reports-api, unused in 30 days",
    ]
    assert "Alder Health" in page
    assert "Orbit Travel" not in page, "a draft reaches nothing"
    assert "2 of 6 pairs open" in " ".join(page.split())


NARROWED = {
    "q=kes": 2,
    "q=fjord": 0,
    "target=reports-api": 1,
    "scope=ledger.write": 1,
    "scope=ledger.admin": 0,
    "risk=critical": 0,
    "risk=nonsense": 2,
    "unused=1": 1,
    "target=nowhere": 0,
}


@pytest.mark.usefixtures("organisation")
def test_the_matrix_is_narrowed_by_its_address(browser: Client) -> None:
    found = {query: len(cells(browser.get(f"/access?{query}").content.decode())) for query in NARROWED}
    assert found == NARROWED


def test_what_changed_since_a_moment_is_marked(browser: Client, settle: models.ScopeMapping) -> None:
    def told(at: datetime) -> str:
        page = browser.get("/access", {"target": "ledger-api", "at": at.isoformat()}).content.decode()
        (cell,) = cells(page)
        return cell

    gained = "0→2 scopes of Kestrel Payments at ledger-api, ledger.read gained, ledger.write gained"
    assert told(settle.created_at - HOUR) == gained
    then = timezone.now()
    assert told(then) == "2 scopes of Kestrel Payments at ledger-api"
    models.ScopeMapping.objects.filter(pk=settle.pk).update(state="withdrawn", updated_at=timezone.now())
    assert told(then) == "2→0 scopes of Kestrel Payments at ledger-api, ledger.read lost, ledger.write lost"


@pytest.mark.usefixtures("organisation")
def test_what_is_read_of_a_mapping_here_is_what_the_decision_reads_of_it() -> None:
    """The proof that nothing is shown less than it is granted is about mappings as the decision reads them."""
    targets = active_targets()
    rows = {row.id: row for row in models.ScopeMapping.objects.all()}
    for read in models.ScopeMapping.objects.values_list(*COLUMNS, named=True):
        target = targets[read.target_id]
        assert mapping_of(read, target) == mapping_of(rows[read.id], target)


def test_a_trust_that_was_withdrawn_meanwhile_had_its_ways_before(browser: Client, settle: models.ScopeMapping) -> None:
    then = timezone.now()
    models.FederationTrust.objects.filter(mappings=settle).update(state="withdrawn", updated_at=timezone.now())
    asked = {"target": "ledger-api", "scope": "ledger.write"}
    assert "Nobody could" in browser.get("/access/who", asked).content.decode()
    assert "settle v3" in browser.get("/access/who", {**asked, "at": then.isoformat()}).content.decode()


@pytest.mark.usefixtures("organisation")
def test_a_moment_that_is_none_is_said_and_not_answered_for(browser: Client) -> None:
    for address in ("/access", "/access/who"):
        for moment in ("yesterday", "2031-02-30T10:00", "9999-01-01T00:00"):
            answer = browser.get(address, {"target": "ledger-api", "at": moment})
            page = answer.content.decode()
            assert answer.status_code == 422
            assert 'role="alert"' in page
            assert f'value="{moment}"' in page, "what was typed is kept"
            assert "ways found" not in page


def _timeless(page: str) -> str:
    """The page without how long ago something was, which another minute changes."""
    return re.sub(r"the last [^.]+\.|Once in 30 days, [^.]+\.", "", page)


def test_a_cell_opens_the_way_behind_it(browser: Client, organisation: Organisation) -> None:
    page = browser.get("/access/kestrel/ledger-api").content.decode()
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for words in (
        "Token from https://idp.kestrel.example",
        "tier equals gold",
        "settle:write is worth ledger.read ledger.write",
        "settle, version 3",
        "no actor needed",
        "kestrel-settlement",
    ):
        assert words in text, words
    assert f'href="/partners/{organisation.kestrel.slug}/mappings#settle-3"' in page
    part = browser.get("/access/kestrel/ledger-api", headers={"HX-Request": "true"}).content.decode()
    assert _timeless(part) in _timeless(page)


def test_what_is_never_used_is_told_with_what_to_do(browser: Client, organisation: Organisation) -> None:
    idle = browser.get("/access/kestrel/reports-api").content.decode()
    assert "Nothing was granted by this mapping in 30 days." in idle
    used = browser.get("/access/kestrel/ledger-api").content.decode()
    assert "Could be narrower" not in used, "both scopes were granted, and its client uses it"
    models.ScopeMapping.objects.filter(name="settle", state="published").update(state="superseded")
    source = models.ScopeMapping.objects.get(name="settle", version=3)
    always = ["ledger.read", "ledger.admin"]
    source.pk, source.version, source.state, source.always = uuid7(), 4, "published", always
    source.save(force_insert=True)
    models.Client.objects.filter(client_id="kestrel-settlement").update(scopes=["ledger.read", *always])
    models.Client.objects.filter(client_id="kestrel-reports").update(scopes=["ledger.read"])
    wide = browser.get("/access/kestrel/ledger-api").content.decode()
    assert "ledger.admin was in none of the last" in wide
    assert "kestrel-reports never used it in 30 days" in wide
    assert organisation.kestrel.slug in wide


@pytest.mark.usefixtures("organisation")
def test_a_suspended_partner_reaches_nothing_and_its_page_says_why(browser: Client) -> None:
    models.Partner.objects.filter(slug="kestrel").update(state="suspended")
    page = browser.get("/access/kestrel/ledger-api").content.decode()
    assert "Kestrel Payments is suspended" in page
    assert cells(browser.get("/access").content.decode()) == []


@pytest.mark.usefixtures("organisation")
def test_a_cell_that_is_none_is_not_found_and_says_where_to_look(browser: Client) -> None:
    for address in ("nobody/ledger-api", "kestrel/nowhere", "orbit/ledger-api"):
        answer = browser.get(f"/access/{address}")
        assert answer.status_code == 404
        assert "Look them up in the matrix" in answer.content.decode()


def test_who_could_call_something_now_and_then(browser: Client, settle: models.ScopeMapping) -> None:
    asked = {"target": "ledger-api", "scope": "ledger.write"}
    page = browser.get("/access/who", asked).content.decode()
    assert "kestrel-settlement" in page
    assert "settle v3" in page
    then = settle.created_at - HOUR
    before = browser.get("/access/who", {**asked, "at": then.isoformat()}).content.decode()
    assert "kestrel-settlement" not in before
    assert "Nobody could" in before
    assert "Choose a target" in browser.get("/access/who").content.decode()


def test_what_a_client_may_not_ask_for_is_no_way(browser: Client, organisation: Organisation) -> None:
    models.Client.objects.filter(client_id="kestrel-settlement").update(scopes=["ledger.read"])
    assert "Nobody could" in browser.get("/access/who?target=ledger-api&scope=ledger.write").content.decode()
    models.Client.objects.filter(partner=organisation.kestrel).update(state="suspended")
    assert cells(browser.get("/access").content.decode()) == []


def test_many_partners_come_page_by_page_without_gap_or_repetition(browser: Client, organisation: Organisation) -> None:
    for number in range(PAGE_SIZE * 2):
        partner(f"p-{number:02}", name=f"Many {number % 7} {number:02}")
    seen: list[str] = []
    address = "/access"
    while address:
        page = browser.get(address).content.decode()
        seen += re.findall(r'<th scope="row"><a href="/partners/([\w-]+)">', page)
        link = re.search(r'href="(/access\?[^"]*after=[^"]*)"[^>]*rel="next"', page)
        address = link[1].replace("&amp;", "&") if link else ""
    assert len(seen) == len(set(seen)) == PAGE_SIZE * 2 + 3
    assert organisation.kestrel.slug in seen


ADDRESSES = ("/access", "/access?at=2026-01-01T00:00", "/access/kestrel/ledger-api", "/access/who?target=ledger-api")


def test_a_page_asks_the_database_so_many_times_however_many_partners_there_are(
    browser: Client, organisation: Organisation
) -> None:
    def count(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    first = {address: count(address) for address in ADDRESSES}
    source = models.ScopeMapping.objects.get(partner=organisation.kestrel, name="settle", state="published")
    for number in range(5):
        models.ScopeMapping.objects.create(
            partner=partner(f"other-{number}"),
            trust=source.trust,
            target=source.target,
            name="m",
            version=1,
            state="published",
        )
    assert {address: count(address) for address in ADDRESSES} == first
    assert max(first.values()) <= MAX_QUERIES


def test_use_is_counted_by_partner_and_audience(organisation: Organisation) -> None:
    since = timezone.now() - timedelta(days=30)
    found = uses([organisation.kestrel.id, organisation.fjord.id], since=since)
    ((key, count),) = found.items()
    assert key == (organisation.kestrel.id, happenings.LEDGER)
    assert count > 100
    looked_into = usage(organisation.kestrel.id, happenings.LEDGER, since=since, size=50)
    assert looked_into.examined == 50
    assert looked_into.clients == {"kestrel-settlement": 50}
    assert set(looked_into.mappings) == {"settle"}
    assert usage(organisation.fjord.id, happenings.LEDGER, since=since).last is None


def test_the_questions_are_led_by_their_indexes(organisation: Organisation) -> None:
    since = timezone.now() - timedelta(days=30)
    for read in (
        lambda: uses([organisation.kestrel.id], since=since),
        lambda: usage(organisation.kestrel.id, happenings.LEDGER, since=since),
    ):
        assert "Seq Scan" not in plans(read, "bitmapscan")
    plan = plans(lambda: reach(Wanted(), ceiling=HOUR), "sort", "bitmapscan")
    assert "partner_by_name" in plan


HOSTILE = ("<script>alert(1)</script>", "' OR 1=1 --", "=cmd|' /C'!A0", "\u202egold", "a\0b", "x" * 5000)
FIELDS = ("q", "target", "scope", "risk", "unused", "at", "after")


@pytest.mark.usefixtures("organisation")
def test_hostile_text_is_shown_as_text_and_breaks_nothing(browser: Client) -> None:
    for text, field, address in product(HOSTILE, FIELDS, ("/access", "/access/who")):
        answer = browser.get(address, {"target": "ledger-api", field: text})
        assert answer.status_code in ({400} if "\0" in text else {200, 422}), field
        assert "<script>alert" not in answer.content.decode()
