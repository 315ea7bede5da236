"""Use that is counted once a day is over: the same figures as from the trail itself, whatever is counted or swept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.utils import timezone

from audit import spans
from audit.models import CountedSpan, Event, OutcomeOfHour, UseOfSpan
from audit.tasks import count_spans, sweep_spans
from audit.usage import usage, uses
from tests.portal import happenings
from tests.portal.organisation import partner
from tests.portal.test_query_plans import plans

if TYPE_CHECKING:
    from partners.models import Partner

PAYROLL = "https://payroll.meridian.example"
BACK = timedelta(days=6)


@pytest.fixture
def kestrel(db: None) -> Partner:  # noqa: ARG001 - asked for its transaction
    """A partner with an exchange every five hours of six days."""
    row, now = partner("kestrel"), timezone.now()
    with happenings.together():
        for number in range(1, 29):
            happenings.granted(row, at=now - timedelta(hours=5 * number))
    return row


def test_the_figures_are_the_same_whatever_is_counted(kestrel: Partner) -> None:
    now = timezone.now()
    expected = {(kestrel.id, happenings.LEDGER): 28}
    assert uses([kestrel.id], since=now - BACK) == expected
    for counted_until in (now - timedelta(days=4), now - timedelta(days=2, hours=5), now - timedelta(hours=7), now):
        assert spans.count_spans(counted_until) > 0
        assert uses([kestrel.id], since=now - BACK) == expected
        assert uses([kestrel.id], since=now - timedelta(days=120)) == expected
    happenings.granted(kestrel, at=timezone.now() - timedelta(seconds=2))
    assert uses([kestrel.id], since=now - BACK)[kestrel.id, happenings.LEDGER] == 29


def test_a_span_is_counted_once_and_not_before_it_is_over(kestrel: Partner) -> None:
    now = timezone.now()
    count_spans()
    assert spans.count_spans(now) == 0
    assert not CountedSpan.objects.filter(start__gte=now - spans.HOUR, hours=1).exists()
    assert not CountedSpan.objects.filter(start=spans.midnight(now), hours=24).exists()
    first = spans.midnight(now - timedelta(hours=5 * 28))  # the day of the oldest one, of which there is only the rest
    whole = UseOfSpan.objects.filter(partner_id=kestrel.id, hours=24, start__gt=first)
    assert 0 < len(whole) <= 5
    assert {row.granted for row in whole} <= {4, 5}


def test_the_newest_grants_are_read_no_further_back_than_the_counts_say(kestrel: Partner) -> None:
    since = timezone.now() - BACK
    spans.count_spans(timezone.now())
    looked_into = usage(kestrel.id, happenings.LEDGER, since=since, size=7)
    assert (looked_into.examined, looked_into.clients) == (7, {"kestrel-settlement": 7})
    assert usage(kestrel.id, happenings.LEDGER, since=since).examined == 28
    assert usage(kestrel.id, PAYROLL, since=since).last is None
    plan = plans(lambda: uses([kestrel.id], since=since), "bitmapscan")
    assert "audit_useofspan_pkey" in plan
    assert "Seq Scan" not in plan


@pytest.mark.usefixtures("db")
def test_nothing_of_it_can_be_changed_afterwards() -> None:
    start = datetime(2026, 3, 17, tzinfo=UTC)
    CountedSpan.objects.create(start=start, hours=24)
    for statement in (
        "DELETE FROM audit_countedspan",
        "UPDATE audit_useofspan SET granted = 0",
        "DELETE FROM audit_outcomeofhour",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


@pytest.mark.usefixtures("committed_database")
def test_counts_are_swept_once_no_page_reads_them_and_no_figure_changes() -> None:
    row, now = partner("kestrel"), timezone.now()
    with happenings.together():
        for number in range(1, 29):
            happenings.granted(row, at=now - timedelta(hours=5 * number))
    long_ago = spans.midnight(now) - timedelta(days=120)
    CountedSpan.objects.create(start=long_ago, hours=24)
    UseOfSpan.objects.create(start=long_ago, hours=24, partner_id=row.id, target=happenings.LEDGER, granted=3)
    noon = spans.midnight(now) - timedelta(days=4, hours=-12)
    spans.count_spans(noon)
    of_an_uncounted_day = CountedSpan.objects.filter(start__gte=spans.midnight(noon), hours=1)
    assert of_an_uncounted_day.count() == 11

    sweep_spans()
    assert of_an_uncounted_day.count() == 11
    assert not CountedSpan.objects.filter(hours=1, start__lt=spans.midnight(noon)).exists()
    assert not UseOfSpan.objects.filter(start=long_ago).exists()
    spans.count_spans(now)
    figures = uses([row.id], since=now - BACK)

    sweep_spans()
    assert not of_an_uncounted_day.filter(start__lt=spans.midnight(now) - timedelta(days=3)).exists()
    assert not UseOfSpan.objects.filter(hours=1, start__lt=spans.midnight(now) - timedelta(days=3)).exists()
    assert {row.start >= spans.midnight(now) - timedelta(days=3) for row in OutcomeOfHour.objects.all()} == {True}
    assert uses([row.id], since=now - BACK) == figures == {(row.id, happenings.LEDGER): 28}
    assert spans.count_spans(now) == 0
    assert Event.objects.filter(partner_id=row.id).count() == 28


@pytest.mark.usefixtures("committed_database")
def test_another_sweeper_at_work_is_left_to_it() -> None:
    CountedSpan.objects.create(start=datetime(2026, 3, 17, tzinfo=UTC), hours=24)
    owner_url, later = settings.HANDOVER.database_owner_url, datetime(2027, 3, 17, tzinfo=UTC)
    with psycopg.connect(owner_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [spans.SWEEP_LOCK])
        spans.sweep(owner_url, now=later)
        assert CountedSpan.objects.exists()
    spans.sweep(owner_url, now=later)
    assert not CountedSpan.objects.exists()
