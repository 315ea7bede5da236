"""A key set that changes as a whole, from the first fetch to its end (F14, F15)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit.events import SYSTEM
from partners import key_sources
from partners.changes import changing
from tests.attacks import attack
from tests.exchange.identity_providers import (
    aged,
    epoch,
    events,
    identity_provider,
    kids_of,
    refresh,
    source_of,
)
from tests.signers import make_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback_allowed")]


class TestTakeover:
    """F15: every key of a set of several changes at once."""

    @attack("F15")
    def test_is_held_back_until_it_is_seen_again_a_minute_later(self) -> None:
        old, theirs = (make_key(), make_key()), (make_key(), make_key())
        with identity_provider(*old) as idp:
            source = source_of(idp.url)
            refresh(source)
            before = epoch()
            idp.publish(*theirs)
            for _ in range(2):
                assert refresh(source)
                assert kids_of(source) == {key.kid for key in old}
                assert epoch() == before
            aged(source, pending_since=timedelta(seconds=61))
            assert refresh(source)
        assert kids_of(source) == {key.kid for key in theirs}
        assert [event["reason"] for event in events()] == ["", "quarantined", "confirmed"]
        assert (source.pending_jwks, source.pending_since) == ({}, None)

    def test_is_looked_at_again_when_the_minute_is_over(self) -> None:
        with identity_provider(make_key(), make_key()) as idp:
            source = source_of(idp.url)
            refresh(source)
            idp.publish(make_key())
            refresh(source)
        source.refresh_from_db()
        assert source.pending_since is not None
        assert source.next_fetch_at == source.pending_since + timedelta(seconds=60)

    def test_is_over_when_the_old_keys_come_back(self) -> None:
        old = make_key(), make_key()
        with identity_provider(*old) as idp:
            source = source_of(idp.url)
            refresh(source)
            idp.publish(make_key())
            refresh(source)
            idp.publish(*old)
            refresh(source)
        assert kids_of(source) == {key.kid for key in old}
        assert source.pending_since is None
        assert [event["reason"] for event in events()] == ["", "quarantined", "recovered"]

    @attack("F15")
    def test_is_confirmed_by_an_admin_at_once(self) -> None:
        theirs = make_key()
        with identity_provider(make_key(), make_key()) as idp:
            source = source_of(idp.url)
            refresh(source)
            idp.publish(theirs)
            refresh(source)
            with changing(SYSTEM) as change:
                key_sources.confirm_keys(change, source.id)
            assert kids_of(source) == {theirs.kid}
            with changing(SYSTEM) as change, pytest.raises(key_sources.NothingToConfirm):
                key_sources.confirm_keys(change, source.id)

    @attack("F14")
    def test_of_the_only_key_is_an_ordinary_rotation(self) -> None:
        """F14: no overlap, and nothing to wait for."""
        new = make_key()
        with identity_provider(make_key()) as idp:
            source = source_of(idp.url)
            refresh(source)
            idp.publish(new)
            refresh(source)
        assert kids_of(source) == {new.kid}
