"""The index behind every list: it finds the rows and gives their order, so that nothing is scanned or sorted.

The tables of a test are so small that the planner would rightly not care; so it is told that scans and sorts are dear,
and what is left in the plans is what no index could do.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import histories, selectors, tallies
from audit.models import NO_CHANGES
from audit.partitions import lowest_id
from audit.selectors import Outcome, Search
from exchange import alerts, golden_lists, watching
from exchange.pictures import pictures
from partners import overviews, profiles
from partners.overviews import Wanted
from partners.watched import of_partner
from portal.canaries import running
from portal.overview.figures import hours_until
from portal.partner_side import invitations, proposals, rosters
from portal.reminding import sending

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.portal.organisation import Organisation

NOW = timezone.now()
SINCE = NOW - timedelta(days=30)


def plans(read: Callable[[], object], *dear: str) -> str:
    """The plans of all queries that a read makes, with some ways of executing them made dear."""
    with CaptureQueriesContext(connection) as captured:
        read()
    lines = []
    with connection.cursor() as cursor:
        for way in ("seqscan", *dear):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        for query in captured.captured_queries:
            if query["sql"].startswith(("SAVEPOINT", "RELEASE")):
                continue
            cursor.execute(f"EXPLAIN {query['sql']}")
            lines += [line for (line,) in cursor.fetchall()]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("search", "index"),
    [
        (Search(since=SINCE), "_pkey"),
        (Search(client="kestrel-settlement"), "_client_id_idx"),
        (Search(target="https://ledger.meridian.example"), "_target_id_idx"),
        (Search(reason="token.expired"), "_reason_id_idx"),
        (Search(partners=(lowest_id(SINCE),)), "_partner_id_id_idx"),
        (Search(since=SINCE, outcome=Outcome.GRANTED), "_kind_id_idx"),
    ],
)
@pytest.mark.usefixtures("organisation")
def test_a_list_of_exchanges_comes_out_of_its_index_in_order(search: Search, index: str) -> None:
    plan = plans(lambda: selectors.exchanges(search), "sort", "bitmapscan")
    assert index in plan
    assert "Seq Scan" not in plan
    assert "->  Sort" not in plan


def test_a_reference_is_found_by_its_index(organisation: Organisation) -> None:
    plan = plans(lambda: selectors.events_of(organisation.granted))
    assert "_correlation_id_idx" in plan
    assert "Seq Scan" not in plan


@pytest.mark.usefixtures("organisation")
def test_recent_changes_come_out_of_an_index_that_holds_no_exchange() -> None:
    plan = plans(lambda: selectors.recent_changes(size=6), "sort", "bitmapscan")
    assert re.search(r"audit_event_\d+_\d+_id_idx", plan)
    assert "Seq Scan" not in plan
    assert "Sort  (" not in plan


def test_the_last_exchange_of_a_partner_is_one_probe_of_its_index(organisation: Organisation) -> None:
    plan = plans(lambda: selectors.last_seen([organisation.kestrel.id]), "sort", "bitmapscan")
    assert "_partner_id_id_idx" in plan
    assert "_pkey" not in plan


@pytest.mark.parametrize("of_partners", [False, True])
def test_a_tally_reads_no_more_than_its_day(organisation: Organisation, of_partners: bool) -> None:  # noqa: FBT001
    hours = hours_until(NOW)
    partners = [organisation.kestrel.id] if of_partners else None
    plan = plans(lambda: tallies.tally(hours, partners=partners))
    assert "Seq Scan" not in plan
    assert f"id >= '{lowest_id(hours[0])}'" in plan


@pytest.mark.usefixtures("organisation")
def test_the_list_of_partners_comes_in_the_order_of_its_index() -> None:
    plan = plans(lambda: overviews.partners(Wanted(), now=NOW), "sort", "bitmapscan")
    assert "partner_by_name" in plan


def test_a_partners_history_comes_out_of_its_index_in_order(organisation: Organisation) -> None:
    plan = plans(lambda: histories.changes(organisation.kestrel.id), "sort", "bitmapscan")
    assert "Seq Scan" not in plan
    assert "Sort  (" not in plan
    assert "_partner_id_id_idx" in plan
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'event_changes_by_partner'")
        ((definition,),) = cursor.fetchall()
    assert all(f"'{kind}'" in definition for kind in NO_CHANGES), "the index already leaves out what clients do"


def of_kestrel(organisation: Organisation) -> alerts.Wanted:
    return alerts.Wanted(partners=(organisation.kestrel.id,), is_over=False)


def test_what_the_api_lists_of_a_partners_people_comes_out_of_an_index(organisation: Organisation) -> None:
    kestrel = profiles.profile("kestrel")
    assert kestrel is not None
    assert kestrel.id == organisation.kestrel.id
    plan = plans(
        lambda: (invitations.listed(kestrel, before=uuid4()), proposals.listed(kestrel.id, before=uuid4())),
        "sort",
        "bitmapscan",
    )
    assert "invitation_by_partner" in plan
    assert "proposal_by_partner" in plan
    assert "partneradmin_by_partner" in plans(lambda: rosters.people(kestrel.id))


def test_turns_and_alerts_are_found_by_index(organisation: Organisation) -> None:
    taken = plans(lambda: (watching.take_turn(NOW + timedelta(days=1)), alerts.unseen()), "sort", "bitmapscan")
    assert "exchange_trustwatch_next_at" in taken
    assert "alert_that_is_new" in taken
    of_one = plans(lambda: alerts.of_partner(organisation.kestrel.id), "sort", "bitmapscan")
    assert "alert_by_partner" in of_one
    assert "->  Sort" not in of_one
    for wanted, index in ((alerts.Wanted(), "exchange_alert_pkey"), (of_kestrel(organisation), "alert_by_partner")):
        listed = plans(lambda wanted=wanted: alerts.listed(wanted, before=uuid4()), "sort", "bitmapscan")  # type: ignore[misc]
        assert (index in listed, "->  Sort" in listed) == (True, False), listed
    shown = plans(lambda: (pictures(of_partner(organisation.kestrel.id)), running.of_partner(organisation.kestrel.id)))
    for index in ("looked_by_watch", "exchange_seenkey_watch_id", "portal_canary_partner_id"):
        assert index in shown
    waiting = plans(lambda: sending.claim(NOW), "sort", "bitmapscan")
    assert "reminder_letter_by_next_try" in waiting
    red = plans(lambda: golden_lists.page(is_green=False), "sort", "bitmapscan")
    assert ("golden_red" in red, "->  Sort" in red) == (True, False), red
