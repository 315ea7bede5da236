"""One refresh of a partner's key set: what is taken, and what is written down (A8)."""

from __future__ import annotations

import pytest

from audit.events import SYSTEM
from exchange.discovery import fetch_keys
from exchange.outbound import Outbound
from partners import key_sources
from partners.changes import changing
from partners.models import KeySource, Partner
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.exchange.identity_providers import (
    JWKS,
    epoch,
    events,
    identity_provider,
    kids_of,
    refresh,
    source_of,
)
from tests.exchange.sites import reply
from tests.signers import make_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback_allowed")]


class TestAKeySet:
    def test_at_an_address_needs_no_discovery(self) -> None:
        key = make_key()
        with identity_provider(key) as idp:
            source = source_of(idp.url + JWKS, method="jwks_uri")
            assert refresh(source)
            assert idp.site.paths() == [JWKS]
        assert kids_of(source) == {key.kid}

    def test_that_was_uploaded_is_never_fetched(self) -> None:
        source = source_of("", method="uploaded", jwks={"keys": []})
        assert not refresh(source)
        source.refresh_from_db()
        assert source.claimed_at is None
        assert key_sources.due(10) == []

    def test_that_did_not_change_is_asked_for_with_its_validator(self) -> None:
        key = make_key()
        with identity_provider(key) as idp:
            idp.headers = {"ETag": '"v1"'}
            source = source_of(idp.url + JWKS, method="jwks_uri")
            refresh(source)
            before = epoch()
            idp.fault = lambda request: (
                b"HTTP/1.1 304 Not Modified\r\n\r\n" if request.headers.get("if-none-match") == '"v1"' else reply({})
            )
            assert refresh(source)
        assert kids_of(source) == {key.kid}
        assert (epoch(), source.etag) == (before, '"v1"')

    @attack("A8")
    @rule(109, "RFC 8725", "3.4")
    def test_with_weak_keys_loses_them_and_the_event_names_them(self) -> None:
        good = make_key()
        off_curve = good.as_dict(private=False) | {"kid": "off the curve", "y": good.as_dict(private=False)["x"]}
        with identity_provider(good) as idp:
            idp.documents[JWKS]["keys"] += [
                {"kty": "RSA", "kid": "small", "n": "AQAB" * 43, "e": "AQAB"},
                {"kty": "RSA", "kid": "exponent", "n": "AQAB" * 90, "e": "Aw"},
                {"kty": "EC", "crv": "P-192", "kid": "curve", "x": "AQ", "y": "AQ"},
                off_curve,
            ]
            source = source_of(idp.url)
            assert refresh(source)
        assert kids_of(source) == {good.kid}
        left_out = {entry["kid"] for entry in events()[0]["data"]["left_out"]}
        assert left_out == {"small", "exponent", "curve", "off the curve"}

    @attack("A8")
    def test_that_starts_to_hold_a_weak_key_is_an_event_once(self) -> None:
        with identity_provider(make_key()) as idp:
            source = source_of(idp.url)
            refresh(source)
            idp.documents[JWKS]["keys"].append({"kty": "EC", "crv": "P-192", "kid": "curve", "x": "AQ", "y": "AQ"})
            for _ in range(3):
                assert refresh(source)
        assert [len(event["data"]["left_out"]) for event in events()] == [0, 1]

    def test_that_changes_is_an_event_with_the_names_of_its_keys_and_moves_the_epoch(self) -> None:
        old, new = make_key(), make_key()
        with identity_provider(old) as idp:
            source = source_of(idp.url)
            refresh(source)
            before = epoch()
            idp.publish(old, new)
            refresh(source)
        assert epoch() == before + 1
        assert Partner.objects.get().version == epoch()
        assert events()[-1]["data"] | {"added": [new.kid], "removed": [], "replaced": []} == events()[-1]["data"]
        assert events()[-1]["actor"] == {"kind": "system", "name": "handover"}
        assert events()[-1]["partner"] == "acme"


class TestAnAnswerForASourceThatWasChangedMeanwhile:
    def test_is_thrown_away(self) -> None:
        with identity_provider(make_key()) as idp:
            source = source_of(idp.url + JWKS, method="jwks_uri")
            claimed = key_sources.claim(source.id, is_scheduled=True)
            assert claimed is not None
            KeySource.objects.filter(pk=source.pk).update(location="https://idp.example/keys")
            found = fetch_keys(Outbound(), claimed, rediscovers=True)
            with changing(SYSTEM) as change:
                key_sources.record_success(change, claimed, found)
                key_sources.record_failure(change, claimed, "too late")
        assert kids_of(source) == set()
        assert source.failures == 0
