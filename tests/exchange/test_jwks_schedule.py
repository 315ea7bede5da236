"""When key sets are fetched, by whom, and how long they may be used without a good answer (P12, P13)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from partners import key_sources
from partners.models import Partner
from tests.exchange.identity_providers import (
    aged,
    epoch,
    events,
    identity_provider,
    refresh,
    source_of,
)
from tests.signers import make_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback_allowed")]


class TestSchedule:
    @pytest.mark.parametrize(
        ("cache_control", "shortest", "longest"),
        [("max-age=60", 270, 300), ("no-store", 270, 300), ("max-age=1200", 1080, 1200), ("max-age=999999", 3240, 3600),
         ("public", 3240, 3600), ("max-age=600, max-age=1200", 540, 600), ("max-age=-1", 3240, 3600)],
    )  # fmt: skip
    def test_follows_the_server_between_five_minutes_and_an_hour(
        self, cache_control: str, shortest: int, longest: int
    ) -> None:
        with identity_provider(make_key()) as idp:
            idp.headers = {"Cache-Control": cache_control}
            source = source_of(idp.url)
            refresh(source)
        source.refresh_from_db()
        assert source.next_fetch_at is not None
        assert source.answered_at is not None
        assert shortest <= (source.next_fetch_at - source.answered_at).total_seconds() <= longest

    def test_names_what_is_due_longest_waiting_first_and_nothing_else(self) -> None:
        now = timezone.now()
        late = source_of("https://a.example", next_fetch_at=now - timedelta(minutes=5))
        later = source_of("https://b.example", next_fetch_at=now - timedelta(minutes=9))
        fresh = source_of("https://c.example")
        source_of("https://d.example", next_fetch_at=now + timedelta(minutes=5))
        source_of("https://e.example", claimed_at=now)
        source_of("https://f.example", slug="gone")
        Partner.objects.filter(slug="gone").update(state="offboarded")
        unused = source_of("https://g.example")
        unused.client.delete()
        assert key_sources.due(10) == [fresh.id, later.id, late.id]
        assert key_sources.due(2) == [fresh.id, later.id]
        assert key_sources.due(10, overdue_by=timedelta(minutes=7)) == [later.id]

    def test_gives_the_slot_to_one_and_again_only_after_half_a_minute(self) -> None:
        source = source_of("https://a.example")
        assert key_sources.claim(source.id, is_scheduled=False)
        assert key_sources.claim(source.id, is_scheduled=False) is None
        aged(source, claimed_at=timedelta(seconds=29))
        assert key_sources.claim(source.id, is_scheduled=False) is None
        aged(source, claimed_at=timedelta(seconds=31))
        assert key_sources.claim(source.id, is_scheduled=False)

    def test_does_not_claim_on_schedule_what_is_not_due(self) -> None:
        source = source_of("https://a.example", next_fetch_at=timezone.now() + timedelta(minutes=1))
        assert key_sources.claim(source.id, is_scheduled=True) is None
        assert key_sources.claim(source.id, is_scheduled=False)


class TestTheEndOfKeys:
    """Stale-if-error: a day after the last good answer (P12)."""

    def test_is_a_day_after_the_first_good_answer(self) -> None:
        with identity_provider(make_key()) as idp:
            source = source_of(idp.url)
            refresh(source)
        source.refresh_from_db()
        assert source.usable_until is not None
        assert source.fetched_at is not None
        assert source.usable_until - source.fetched_at == timedelta(hours=24)

    @pytest.mark.parametrize(("minutes", "moves"), [(9, False), (11, True)])
    def test_moves_with_the_epoch_every_ten_minutes_at_most(self, minutes: int, moves: bool) -> None:  # noqa: FBT001
        with identity_provider(make_key()) as idp:
            source = source_of(idp.url)
            refresh(source)
            aged(source, usable_until=timedelta(minutes=minutes) - timedelta(hours=24))
            before = epoch()
            refresh(source)
        assert (epoch() > before) is moves
        assert len(events()) == 1
