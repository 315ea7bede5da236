"""The list of exchanges with its filters, and the page of one with its trace."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from django.utils import timezone

from audit import events, selectors
from audit.events import Actor, ActorKind
from exchange.protocol.errors import WIRE
from policy.reasons import Reason
from portal.explanations.words import RULES, explain
from tests.portal import happenings
from tests.portal.organisation import partner

if TYPE_CHECKING:
    from django.test import Client

    from tests.portal.organisation import Organisation

MAX_QUERIES = 12
NEVER = UUID("0199e0c4-7c1e-7a40-a940-5b0e1f2391d2")


def listed(page: str) -> list[str]:
    return re.findall(r'<a class="lk" href="/exchanges/([0-9a-f-]{36})"', page)


def references(entries: Any) -> list[str]:
    return [str(entry.correlation_id) for entry in entries]


def test_the_list_shows_the_newest_first_with_outcome_and_reason(organisation: Organisation, browser: Client) -> None:
    page = browser.get("/exchanges").content.decode()
    assert listed(page)[:4] == [
        str(reference)
        for reference in (organisation.granted, organisation.refused, organisation.unauthenticated, organisation.failed)
    ]
    for words in ("Granted", "Refused", "Failed", "Target not mapped", "Client unknown", "Store not reachable"):
        assert words in page
    assert len(listed(page)) == 50


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("outcome=granted", lambda entry: entry.outcome == "granted"),
        ("outcome=refused", lambda entry: entry.outcome == "refused"),
        ("outcome=failed", lambda entry: entry.outcome == "failed"),
        ("reason=token.expired", lambda entry: entry.reason == "token.expired"),
        ("client=fjord-nightly", lambda entry: entry.client == "fjord-nightly"),
        ("target=https://payroll.meridian.example", lambda entry: "payroll" in entry.target),
        (
            "partner=kestrel&outcome=refused",
            lambda entry: entry.partner_id and "kestrel" in entry.client and entry.outcome == "refused",
        ),
        ("q=fjord", lambda entry: entry.client.startswith("fjord")),
        ("q=kestrel-settlement&outcome=failed", lambda entry: entry.outcome == "failed"),
        ("partner=nobody", lambda _entry: False),
        ("q=nothing+of+that+name", lambda _entry: False),
        ("partner=fjord&q=kestrel", lambda _entry: False),
        ("range=1h", lambda entry: entry.at > timezone.now() - timedelta(hours=1)),
    ],
)
@pytest.mark.usefixtures("organisation")
def test_filters_leave_exactly_what_they_name(browser: Client, query: str, kept: Any) -> None:
    everything = selectors.exchanges(selectors.Search(), size=1000).entries
    page = browser.get(f"/exchanges?range=any&{query}" if "range" not in query else f"/exchanges?{query}")
    expected = references(filter(kept, everything))
    assert listed(page.content.decode()) == expected[:50]
    assert bool(expected) is ('class="empty"' not in page.content.decode())


@pytest.mark.usefixtures("organisation")
def test_chips_take_single_filters_away(browser: Client) -> None:
    page = browser.get("/exchanges?outcome=refused&partner=kestrel&range=7d").content.decode()
    chips = [unescape(address) for address in re.findall(r'<a class="fchip on" href="([^"]*)"', page)]
    assert chips == ["/exchanges?range=7d&partner=kestrel", "/exchanges?range=7d&outcome=refused"]


@pytest.mark.django_db
def test_pages_follow_each_other_without_gap_or_repetition_in_both_directions(browser: Client) -> None:
    kestrel, now = partner("kestrel"), timezone.now()
    with happenings.together():
        for number in range(120):
            happenings.granted(kestrel, at=now - timedelta(milliseconds=number // 2))
    everything = references(selectors.exchanges(selectors.Search(), size=1000).entries)

    def follow(address: str, rel: str) -> list[list[str]]:
        pages = []
        while address:
            page = browser.get(address).content.decode()
            pages.append(listed(page))
            link = re.search(rf'href="([^"]*)"[^>]*rel="{rel}"', page)
            last, address = address, unescape(link[1]) if link else ""
        pages.append([last])
        return pages

    *older, (end,) = follow("/exchanges", "next")
    assert [reference for page in older for reference in page] == everything
    assert [len(page) for page in older] == [50, 50, 20]
    *newer, _ = follow(end, "prev")
    assert newer == [older[2], older[1], older[0]]


@pytest.mark.django_db
def test_what_arrives_meanwhile_shifts_no_page(browser: Client) -> None:
    kestrel, now = partner("kestrel"), timezone.now()
    with happenings.together():
        for number in range(60):
            happenings.granted(kestrel, at=now - timedelta(seconds=number))
    first = browser.get("/exchanges").content.decode()
    link = re.search(r'href="([^"]*)"[^>]*rel="next"', first)
    assert link
    happenings.granted(kestrel)
    second = browser.get(unescape(link[1])).content.decode()
    assert len(listed(second)) == 10
    assert not set(listed(first)) & set(listed(second))


@pytest.mark.parametrize("address", ["/exchanges", "/exchanges?q=kestrel&outcome=refused&partner=kestrel"])
@pytest.mark.usefixtures("organisation")
def test_the_list_takes_few_queries_however_much_there_is_to_show(
    browser: Client, django_assert_max_num_queries: Any, address: str
) -> None:
    for number in range(20):
        happenings.granted(partner(f"extra-{number}"))
    with django_assert_max_num_queries(MAX_QUERIES):
        assert browser.get(address).status_code == 200


@pytest.mark.usefixtures("organisation")
def test_htmx_gets_the_part_and_going_back_gets_the_page(browser: Client) -> None:
    htmx = {"HX-Request": "true"}
    part = browser.get("/exchanges?outcome=failed", headers=htmx).content.decode()
    assert "<html" not in part
    assert 'data-say="1 exchange shown"' in part
    back = browser.get("/exchanges", headers={**htmx, "HX-History-Restore-Request": "true"}).content.decode()
    assert "<html" in back
    assert '<option value="token.expired">' in back


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_reference_in_the_search_box_leads_straight_to_its_exchange(
    organisation: Organisation, browser: Client, headers: dict[str, str]
) -> None:
    answer = browser.get(f"/exchanges?q=+{organisation.refused}+", headers=headers)
    target = answer.headers.get("HX-Redirect") if headers else answer.headers.get("Location")
    assert target == f"/exchanges/{organisation.refused}"


@pytest.mark.usefixtures("organisation")
def test_a_reference_that_nothing_has_is_said_to_be_so(browser: Client) -> None:
    assert "No event has this reference" in browser.get(f"/exchanges?q={NEVER}").content.decode()


def test_an_empty_list_says_why_and_what_to_do(browser: Client) -> None:
    assert "No exchange in this time" in browser.get("/exchanges").content.decode()
    assert "No exchange yet" in browser.get("/exchanges?range=any").content.decode()
    assert "No exchange matches" in browser.get("/exchanges?range=any&client=nobody").content.decode()


def test_a_granted_exchange_shows_its_steps_its_tokens_and_its_mapping(
    organisation: Organisation, browser: Client
) -> None:
    page = browser.get(f"/exchanges/{organisation.granted}").content.decode()
    assert "A token was granted" in page
    assert page.count('<span class="ms">passed</span>') == len(RULES) - 3
    assert page.count('<span class="ms">not needed</span>') == 2
    assert page.count('<span class="ms">narrowed</span>') == 1
    assert re.search(r'<span class="sc cut">.*?ledger\.admin</span>', page)
    assert 'href="/partners/kestrel/mappings#settle-3"' in page
    for words in ("2.9 ms", "0199e0c4-7c1e-7a40-a940-5b0e1f2391d2", "ES256", "203.0.113.24", "req-7731", "k-31"):
        assert words in page


def test_a_refused_exchange_shows_the_step_what_was_expected_what_came_and_what_the_caller_saw(
    organisation: Organisation, browser: Client
) -> None:
    page = browser.get(f"/exchanges/{organisation.refused}").content.decode()
    assert "The exchange was refused" in page
    assert page.count('<span class="ms">refused</span>') == 1
    assert page.count('<span class="ms">not reached</span>') == 5
    for words in (
        "a published mapping to payroll-api",
        "absent",
        "400 invalid_target",
        "policy.target_not_mapped",
        WIRE[Reason.TARGET_NOT_MAPPED].description,
        str(explain("policy.target_not_mapped").remedy),
    ):
        assert words in unescape(page)


def test_a_fault_of_ours_is_called_failed_and_never_refused(organisation: Organisation, browser: Client) -> None:
    page = browser.get(f"/exchanges/{organisation.failed}").content.decode()
    assert "The exchange failed" in page
    assert "503 temporarily_unavailable" in page


def test_an_exchange_of_an_unknown_caller_shows_the_little_that_is_known(
    organisation: Organisation, browser: Client
) -> None:
    page = browser.get(f"/exchanges/{organisation.unauthenticated}").content.decode()
    assert "not known: the caller did not prove who it is" in page
    assert "401 invalid_client" in page


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.django_db
def test_every_reason_has_a_page_with_its_words_and_its_answer(browser: Client, reason: Reason) -> None:
    reference = happenings.refused(partner("kestrel"), reason=reason, steps=[], error="", status=0)
    page = unescape(browser.get(f"/exchanges/{reference}").content.decode())
    assert str(explain(reason).title) in page
    assert f"{WIRE[reason].status} {WIRE[reason].error}" in page


@pytest.mark.parametrize(
    "missing", ["request", "credentials", "trust", "subject", "mappings", "token", "steps", "micros"]
)
@pytest.mark.django_db
def test_any_part_of_an_event_may_be_missing(browser: Client, missing: str) -> None:
    absent: dict[str, Any] = {missing: None}
    reference = happenings.granted(partner("kestrel"), **absent)
    assert browser.get(f"/exchanges/{reference}").status_code == 200


@pytest.mark.django_db
def test_an_event_that_says_nothing_but_its_kind_has_a_page(browser: Client) -> None:
    now = timezone.now()
    bare = happenings.write(events.ExchangeRefused(), events.UNAUTHENTICATED, at=now)
    assert browser.get(f"/exchanges/{bare}").status_code == 200
    other = happenings.write(events.KeyActivated(data={"kid": "2026-11-a"}), events.SYSTEM, at=now)
    page = browser.get(f"/exchanges/{other}").content.decode()
    assert "Signing key activated: 2026-11-a" in page


def test_events_under_one_reference_stand_together(organisation: Organisation, browser: Client) -> None:
    happenings.write(
        events.MappingPublished(partner="kestrel", data={"name": "settle"}),
        Actor(ActorKind.USER, "ada@meridian.example"),
        at=timezone.now(),
        correlation_id=organisation.granted,
    )
    page = browser.get(f"/exchanges/{organisation.granted}").content.decode()
    assert "A token was granted" in page
    assert "Under the same reference" in page
    assert "Mapping published: settle" in page


def test_one_exchange_takes_few_queries(
    organisation: Organisation, browser: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(MAX_QUERIES):
        browser.get(f"/exchanges/{organisation.granted}")


@pytest.mark.django_db
def test_words_of_a_caller_are_inert(browser: Client) -> None:
    """Attack A35: what a caller sends ends up on this page, and must never run there."""
    hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    reference = happenings.refused(
        partner("kestrel"),
        client=hostile,
        target=hostile,
        request=happenings.request(request_id=hostile, audience=[hostile]),
        subject=happenings.token(subject=hostile, name=hostile),
        steps=[["mapping", "refused", hostile, hostile]],
        error=hostile,
    )
    for address in ("/exchanges", f"/exchanges/{reference}"):
        page = browser.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<img" not in page


def test_a_search_is_inert_where_it_is_repeated(browser: Client) -> None:
    page = browser.get('/exchanges?q="><script>alert(1)</script>&client=<b>x</b>').content.decode()
    assert "<script>alert" not in page
    assert "<b>x</b>" not in page
