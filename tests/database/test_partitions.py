"""The months of the audit trail: their bounds, the default partition, and adding them ahead of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from audit import partitions
from audit.models import Event

INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def event_at(instant: datetime, noise: int = 0) -> UUID:
    identifier = UUID(int=partitions.lowest_id(instant).int + noise)
    Event.objects.create(id=identifier, kind="exchange.granted", correlation_id=uuid4(), canonical="{}", mac=b"x")
    return identifier


def partition_of(identifier: UUID) -> str:
    with psycopg.connect(settings.HANDOVER.database_url) as connection:
        query = "SELECT tableoid::regclass::text FROM audit_event WHERE id = %s"
        (table,) = connection.execute(query, [identifier]).fetchone() or ("",)
        return str(table)


@given(INSTANTS)
def test_the_lowest_id_of_an_instant_is_a_version_7_of_that_millisecond(instant: datetime) -> None:
    lowest = partitions.lowest_id(instant)
    assert (lowest.version, lowest.variant) == (7, uuid4().variant)
    assert lowest.int >> 80 == int(instant.timestamp() * 1000)


@given(INSTANTS)
def test_the_lowest_id_is_not_above_any_id_that_is_made_then(instant: datetime) -> None:
    since_epoch = instant - datetime(1970, 1, 1, tzinfo=UTC)
    made = uuid7(nanoseconds=since_epoch // timedelta(microseconds=1) * 1000)
    assert partitions.lowest_id(instant) <= made < partitions.lowest_id(instant + timedelta(milliseconds=1))


@given(INSTANTS)
def test_months_follow_each_other_without_gap_or_overlap(now: datetime) -> None:
    found = list(partitions.months(now))
    assert len(found) == 14
    assert found[0].first <= partitions.lowest_id(now) < found[0].end
    assert all(one.end == other.first for one, other in pairwise(found))


def test_months_are_those_of_utc() -> None:
    new_year_in_auckland = datetime(2027, 1, 1, 8, tzinfo=timezone(timedelta(hours=13)))
    assert next(partitions.months(new_year_in_auckland)).table == "audit_event_2026_12"


@pytest.mark.parametrize(
    ("instant", "noise", "table"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, 999000, tzinfo=UTC), (1 << 62) - 1, "audit_event_2026_11"),
        (datetime(2026, 12, 1, tzinfo=UTC), 0, "audit_event_2026_12"),
        (datetime(2026, 12, 31, 23, 59, 59, 999000, tzinfo=UTC), (1 << 62) - 1, "audit_event_2026_12"),
        (datetime(2027, 1, 1, tzinfo=UTC), 0, "audit_event_2027_01"),
    ],
)
@pytest.mark.usefixtures("committed_database")
def test_an_event_lies_in_the_month_of_its_id(instant: datetime, noise: int, table: str) -> None:
    partitions.extend(settings.HANDOVER.database_owner_url, now=datetime(2026, 11, 1, tzinfo=UTC))
    assert partition_of(event_at(instant, noise)) == table


@pytest.mark.usefixtures("committed_database")
def test_an_event_of_a_month_that_has_no_partition_is_kept_all_the_same() -> None:
    assert partition_of(event_at(datetime(2001, 5, 1, tzinfo=UTC))) == "audit_event_default"


@pytest.mark.usefixtures("committed_database")
def test_an_event_of_now_lies_in_a_month() -> None:
    assert partition_of(event_at(datetime.now(UTC))).startswith("audit_event_2")


@pytest.mark.usefixtures("committed_database")
def test_extending_twice_changes_nothing() -> None:
    later = datetime(2050, 1, 15, tzinfo=UTC)
    first = partitions.extend(settings.HANDOVER.database_owner_url, now=later)
    assert len(first.added) == 14
    second = partitions.extend(settings.HANDOVER.database_owner_url, now=later)
    assert (second.added, second.blocked) == ((), ())


@pytest.mark.usefixtures("committed_database")
def test_a_month_that_has_events_in_the_default_partition_is_reported_and_left() -> None:
    instant = datetime(2050, 3, 1, tzinfo=UTC)
    kept = event_at(instant)
    extension = partitions.extend(settings.HANDOVER.database_owner_url, now=datetime(2050, 2, 1, tzinfo=UTC), ahead=2)
    assert extension.added == ("audit_event_2050_02", "audit_event_2050_04")
    assert extension.blocked == ("audit_event_2050_03",)
    assert partition_of(kept) == "audit_event_default"


def test_the_indexes_of_the_parent_are_on_every_month(committed_database: str) -> None:
    with psycopg.connect(committed_database) as connection:
        query = "SELECT tablename, count(*) FROM pg_indexes WHERE tablename LIKE 'audit\\_event%' GROUP BY 1"
        counts: dict[str, int] = dict(connection.execute(query).fetchall())
    assert len(counts) == 1 + 1 + 14
    assert len(set(counts.values())) == 1


@pytest.mark.usefixtures("committed_database")
def test_every_month_keeps_an_event_in_one_piece_and_as_it_is() -> None:
    partitions.extend(settings.HANDOVER.database_owner_url, now=datetime(2051, 1, 1, tzinfo=UTC), ahead=1)
    query = """
        SELECT relid::text, attstorage::text, reloptions FROM pg_partition_tree('audit_event')
        JOIN pg_attribute ON attrelid = relid AND attname = 'canonical' JOIN pg_class ON pg_class.oid = relid
        WHERE isleaf"""
    with psycopg.connect(settings.HANDOVER.database_owner_url) as connection:
        months = {name: (storage, options) for name, storage, options in connection.execute(query)}
    assert {"audit_event_2051_01", "audit_event_default"} < set(months)
    assert all(kept == ("e", ["toast_tuple_target=8160"]) for kept in months.values())
