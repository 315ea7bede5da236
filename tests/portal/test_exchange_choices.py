"""What the list of exchanges can be asked for: a step, a time of one's own, columns, and a file of it all."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from django.http import QueryDict
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit import selectors, steps
from policy.places import places_of
from policy.reasons import Reason, Rule
from portal.exchange_pages import csv_export
from portal.filters import USUAL_COLUMNS, ExchangeFilter
from tests.portal import happenings
from tests.portal.test_query_plans import plans

if TYPE_CHECKING:
    from datetime import datetime

    from django.test import Client

    from tests.portal.organisation import Organisation


def typed(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M}"


def file(search: selectors.Search, **bounds: int) -> list[list[str]]:
    """The rows of the export."""

    async def read() -> str:
        return "".join([text async for text in csv_export.lines(search, **bounds)])

    return list(csv.reader(async_to_sync(read)().splitlines()))


def test_a_step_finds_what_was_refused_there_and_nothing_else(organisation: Organisation, browser: Client) -> None:
    at = timezone.now() - timedelta(minutes=3)
    taken = [["subject_token", "passed", "ES256", ""], ["actor_token", "refused", "exp", 'not ["scope","refused",']]
    actor = happenings.refused(organisation.kestrel, at=at, reason="token.expired", steps=taken)
    rows = browser.get("/exchanges?step=actor_token").context["rows"]
    assert [row.entry.correlation_id for row in rows] == [actor]
    expired = browser.get("/exchanges?step=subject_token&reason=token.expired").context["rows"]
    assert expired
    assert actor not in {row.entry.correlation_id for row in expired}
    assert browser.get("/exchanges?step=scope").context["rows"] == ()
    page = browser.get("/exchanges?step=actor_token&partner=kestrel")
    assert [row.entry.correlation_id for row in page.context["rows"]] == [actor]
    assert "Refused at: Actor token genuine and in force" in page.content.decode()


def test_every_reason_is_found_at_its_steps_by_its_index() -> None:
    for rule in Rule:
        reasons = {search.reason for search in steps.by_reason(selectors.Search(step=rule))}
        assert reasons == {reason for reason in Reason if rule in places_of(reason)}


@pytest.mark.usefixtures("organisation")
def test_each_of_several_reasons_is_one_probe_of_an_index() -> None:
    search = selectors.Search(step="mapping", since=timezone.now() - timedelta(days=1))
    plan = plans(lambda: selectors.exchanges(search), "bitmapscan")
    assert "Seq Scan" not in plan
    assert "_reason_id_idx" in plan


@pytest.mark.usefixtures("organisation")
def test_a_time_of_ones_own_has_both_ends(browser: Client) -> None:
    now = timezone.now()
    start, end = now - timedelta(hours=9), now - timedelta(hours=4)
    address = "/exchanges?" + urlencode({"start": typed(start), "end": typed(end)})
    rows = browser.get(address).context["rows"]
    assert rows
    assert all(typed(start) <= typed(row.entry.at) < typed(end) for row in rows)
    only_start = browser.get("/exchanges?" + urlencode({"start": typed(end)})).context["rows"]
    assert min(row.entry.at for row in only_start) >= end.replace(second=0, microsecond=0)


@pytest.mark.usefixtures("organisation")
def test_a_time_that_is_none_is_said_to_be_and_shows_nothing(browser: Client) -> None:
    now = timezone.now()
    faults = {
        "yesterday": "is not a date with a time",
        typed(now + timedelta(hours=3)): "is yet to come",
    }
    for text, words in faults.items():
        answer = browser.get("/exchanges?" + urlencode({"start": text}))
        assert (answer.status_code, words in answer.content.decode()) == (422, True)
        assert answer.context["rows"] == ()
    turned = urlencode({"start": typed(now - timedelta(hours=1)), "end": typed(now - timedelta(hours=2))})
    assert "before it starts at" in browser.get(f"/exchanges?{turned}").content.decode()
    assert browser.get(f"/exchanges/export.csv?{turned}").status_code == 302


@given(st.sets(st.sampled_from(["partner", "client", "target", "reference", "code", "else"])))
def test_columns_are_kept_in_the_address(chosen: set[str]) -> None:
    query = urlencode({"columns": sorted(chosen)}, doseq=True)
    read = ExchangeFilter.read(QueryDict(query))
    assert set(read.shown) == (chosen - {"else"} or set(USUAL_COLUMNS))
    assert ExchangeFilter.read(QueryDict(read.query().removeprefix("?"))) == read


@pytest.mark.usefixtures("organisation")
def test_only_the_chosen_columns_are_shown(browser: Client) -> None:
    page = browser.get("/exchanges?columns=code&columns=client").content.decode()
    assert '<th scope="col">Code of the reason</th>' in page
    assert '<th scope="col">Audience</th>' not in page
    assert "columns=client%2Ccode" in page


def test_the_file_holds_what_the_list_shows_and_computes_nothing(organisation: Organisation) -> None:
    at = timezone.now() - timedelta(seconds=5)
    happenings.granted(organisation.kestrel, at=at, client="=cmd|' /C calc'!A0")
    search = selectors.Search(partners=(organisation.kestrel.id,))
    head, first, *others = file(search, size=7)
    assert head[0] == "time"
    assert first[3:5] == ["kestrel", "'=cmd|' /C calc'!A0"]
    assert len(others) + 1 == len(selectors.exchanges(search, size=1000).entries)
    assert len({row[-1] for row in others}) == len(others)
    cut = file(search, most=10, size=4)
    assert len(cut) == 1 + 10 + 1
    assert cut[-1] == ["Cut after 10 exchanges: choose a shorter time for the rest."]


def test_a_file_is_offered_with_the_filter_of_the_list(organisation: Organisation, browser: Client) -> None:
    page = browser.get("/exchanges?outcome=refused").content.decode()
    assert 'href="/exchanges/export.csv?outcome=refused"' in page
    answer = browser.get(f"/exchanges/export.csv?range=any&q={organisation.refused}")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="exchanges-')
    assert "no-store" in answer.headers["Cache-Control"]


@given(st.text(max_size=12))
def test_no_cell_begins_a_formula(text: str) -> None:
    assert csv_export.harmless(text)[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}
