"""One refresh of a partner's key set: what is fetched, what is believed, what is written down (F12 to F15, F17)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from audit.events import SYSTEM
from audit.models import Event
from exchange import jwks
from exchange.discovery import fetch_keys
from exchange.outbound import Limits, Outbound
from partners import key_sources
from partners.changes import changing
from partners.models import KeySource, Partner, Registry
from tests.exchange.identity_providers import JWKS, OAUTH, OPENID, claimable, identity_provider, kids_of, source_of
from tests.exchange.sites import always, reply, site
from tests.signers import make_key

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def loopback_allowed(settings: Any) -> None:
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.1/32"),))


def refresh(source: KeySource, *, http: Outbound | None = None, is_scheduled: bool = True) -> bool:
    """One refresh, with the clock moved past the half minute since the last."""
    claimable(source)
    return jwks.refresh(source.id, is_scheduled=is_scheduled, http=http or Outbound())


def events() -> list[dict[str, Any]]:
    rows = Event.objects.filter(kind="trust.keys_refreshed").order_by("id")
    return [json.loads(row.canonical) for row in rows]


def epoch() -> int:
    return Registry.objects.get().epoch


def aged(source: KeySource, **ages: timedelta) -> None:
    """Move instants of the row into the past."""
    KeySource.objects.filter(pk=source.pk).update(**{name: timezone.now() - age for name, age in ages.items()})


class TestDiscovery:
    def test_finds_the_keys_of_the_issuer_and_takes_them(self) -> None:
        one, two = make_key(), make_key("RS256")
        with identity_provider(one, two) as idp:
            source = source_of(idp.url)
            assert refresh(source)
        assert kids_of(source) == {one.kid, two.kid}
        assert source.jwks_uri == idp.url + JWKS
        assert (source.failures, source.last_error) == (0, "")

    def test_has_a_second_place_with_the_path_behind_the_well_known_part(self) -> None:
        key = make_key()
        with identity_provider(key) as idp:
            issuer = f"{idp.url}/realms/one"
            idp.documents |= {f"{OAUTH}/realms/one": {"issuer": issuer, "jwks_uri": idp.url + JWKS}}
            source = source_of(issuer)
            assert refresh(source)
            assert idp.site.paths() == [f"/realms/one{OPENID}", f"{OAUTH}/realms/one", JWKS]
        assert kids_of(source) == {key.kid}

    @pytest.mark.parametrize("suffix", ["/", "x", "/.", "?a"])
    def test_of_an_issuer_that_differs_by_a_byte_is_refused(self, suffix: str) -> None:
        with identity_provider(make_key()) as idp:
            idp.documents[OPENID] = {"issuer": idp.url + suffix, "jwks_uri": idp.url + JWKS}
            source = source_of(idp.url)
            assert not refresh(source)
            assert idp.fetches() == 0
        assert kids_of(source) == set()
        assert "another issuer" in source.last_error

    def test_does_not_lead_to_another_origin_until_an_admin_confirms(self) -> None:
        key = make_key()
        with identity_provider(key) as idp, identity_provider(key) as elsewhere:
            idp.documents[OPENID]["jwks_uri"] = elsewhere.url + JWKS
            source = source_of(idp.url)
            assert not refresh(source)
            assert elsewhere.site.connections == 0
            with changing(SYSTEM) as change:
                key_sources.confirm_jwks_uri(change, source.id, elsewhere.url + JWKS)
            assert refresh(source)
        assert kids_of(source) == {key.kid}

    def test_that_names_a_new_address_is_recorded_once_and_not_followed(self) -> None:
        key, theirs = make_key(), make_key()
        with identity_provider(key) as idp, identity_provider(theirs) as elsewhere:
            source = source_of(idp.url)
            refresh(source)
            idp.documents[OPENID]["jwks_uri"] = elsewhere.url + JWKS
            assert refresh(source)
            assert refresh(source)
            assert elsewhere.site.connections == 0
        assert kids_of(source) == {key.kid}
        assert [event["reason"] for event in events()] == ["", "address_changed"]
        assert source.pending_jwks_uri == elsewhere.url + JWKS

    def test_is_not_repeated_for_an_unknown_key(self) -> None:
        with identity_provider(make_key()) as idp:
            source = source_of(idp.url)
            refresh(source)
            refresh(source, is_scheduled=False)
            assert (idp.fetches(OPENID), idp.fetches(JWKS)) == (1, 2)

    @pytest.mark.parametrize(
        "jwks_uri", [None, 7, "", "file:///etc/passwd", "http://user@127.0.0.1/", "https://x/" + "a" * 600]
    )
    def test_without_a_usable_address_is_a_failure(self, jwks_uri: object) -> None:
        with identity_provider(make_key()) as idp:
            idp.documents[OPENID]["jwks_uri"] = jwks_uri
            source = source_of(idp.url)
            assert not refresh(source)
        source.refresh_from_db()
        assert source.failures == 1


def test_an_address_that_only_an_admin_could_have_confirmed_cannot_be_confirmed_by_guessing() -> None:
    source = source_of("https://idp.example")
    for address in ("", "https://evil.example/keys"):
        with changing(SYSTEM) as change, pytest.raises(key_sources.NothingToConfirm):
            key_sources.confirm_jwks_uri(change, source.id, address)


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

    def test_with_weak_keys_loses_them_and_the_event_names_them(self) -> None:
        good, weak = make_key(), {"kty": "RSA", "kid": "small", "n": "AQAB" * 43, "e": "AQAB"}
        with identity_provider(good) as idp:
            idp.documents[JWKS]["keys"] += [weak, {"kty": "RSA", "kid": "odd", "n": "AQAB" * 90, "e": "Aw"}]
            source = source_of(idp.url)
            assert refresh(source)
        assert kids_of(source) == {good.kid}
        assert {entry["kid"] for entry in events()[0]["data"]["left_out"]} == {"small", "odd"}

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


BAD_SETS: dict[str, Any] = {
    "an empty set": {"keys": []},
    "no set": {},
    "a list": [],
    "too many keys": {"keys": [{"kty": "RSA", "kid": str(n), "n": "AQAB", "e": "AQAB"} for n in range(33)]},
    "a secret": {"keys": [{"kty": "oct", "kid": "s", "k": "c2VjcmV0"}]},
    "a private key": {"keys": [make_key().as_dict(private=True)]},
    "only weak keys": {"keys": [{"kty": "RSA", "kid": "small", "n": "AQAB" * 43, "e": "AQAB"}]},
    "one name for two keys": {"keys": [make_key().as_dict(private=False) | {"kid": "same"} for _ in range(2)]},
    "unnamed keys": {
        "keys": [{k: v for k, v in make_key().as_dict(private=False).items() if k != "kid"} for _ in "ab"]
    },
    "a key that contradicts itself": {"keys": [make_key().as_dict(private=False) | {"alg": "RS256"}]},
    "a purpose that is no text": {"keys": [make_key().as_dict(private=False) | {"use": ["sig"]}]},
    "an algorithm that is no text": {"keys": [make_key().as_dict(private=False) | {"alg": {"a": 1}}]},
    "a name that is no text": {"keys": [make_key().as_dict(private=False) | {"kid": ["a"]}]},
    "a name with a line break": {"keys": [make_key().as_dict(private=False) | {"kid": "a\nb"}]},
    "a name with a NUL": {"keys": [make_key().as_dict(private=False) | {"kid": "a\0b"}]},
    "a member with a NUL": {"keys": [make_key().as_dict(private=False) | {"x": "AQ\0AB"}]},
    "deep nesting": {"keys": [make_key().as_dict(private=False) | {"x5u": [[[[[[[[[["deep"]]]]]]]]]]}]},
}
BAD_ANSWERS: dict[str, bytes] = {
    "a web page": reply("<html>sign in</html>", Content_Type="text/html"),
    "JSON called a web page": reply({"keys": []}, Content_Type="text/html"),
    "truncated JSON": reply('{"keys": [{"kty": "RSA"'),
    "a repeated member": reply('{"keys": [], "keys": []}'),
    "a number of 5000 digits": reply('{"keys": [{ "n": ' + "9" * 5000 + "}]}"),
    "a lone surrogate": reply('{"keys": [{"kid": "\\ud800"}]}'),
    "a nesting bomb": reply("[" * 100_000),
    "another encoding": reply('{"keys": []}'.encode("utf-16")),
    "a server fault": reply({}, status="500 Oops"),
    "a redirect": reply(b"", status="302 Found", Location="/keys2"),
    "too many bytes": reply(b"x" * 300_000),
    "half an answer": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{",
}


class TestABadAnswer:
    @pytest.mark.parametrize("case", [*BAD_SETS, *BAD_ANSWERS])
    def test_leaves_the_old_keys_in_force_and_an_event(self, case: str) -> None:
        key = make_key()
        answer = BAD_ANSWERS.get(case) or reply(BAD_SETS[case])
        with identity_provider(key) as idp:
            source = source_of(idp.url)
            refresh(source)
            before = epoch()
            idp.fault = always(answer)
            assert not refresh(source)
        assert kids_of(source) == {key.kid}
        assert epoch() == before
        assert source.failures == 1
        assert events()[-1]["reason"] == "fetch_failed"
        assert events()[-1]["data"]["why"] == source.last_error != ""

    def test_that_drips_ends_with_the_deadline(self) -> None:
        key = make_key()
        with identity_provider(key) as idp:
            source = source_of(idp.url)
            refresh(source)
            idp.fault = lambda _: idp.site.drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
            assert not refresh(source, http=Outbound(limits=Limits(connect=0.3, total=0.3)))
        assert kids_of(source) == {key.kid}
        assert "within 0.3 seconds" in source.last_error

    def test_that_repeats_is_counted_and_not_recorded_again(self) -> None:
        with identity_provider(make_key()) as idp:
            source = source_of(idp.url)
            refresh(source)
            idp.fault = always(reply({}, status="500 Oops"))
            for _ in range(4):
                refresh(source)
            idp.fault = None
            assert refresh(source)
        assert [event["reason"] for event in events()] == ["", "fetch_failed", "recovered"]

    def test_is_followed_by_longer_and_longer_waits_up_to_an_hour(self) -> None:
        with identity_provider(make_key()) as idp:
            source = source_of(idp.url)
            idp.fault = always(reply({}, status="500 Oops"))
            waits = []
            for _ in range(10):
                refresh(source, http=Outbound())
                source.refresh_from_db()
                assert source.next_fetch_at is not None
                assert source.answered_at is not None
                waits.append((source.next_fetch_at - source.answered_at).total_seconds())
        assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]

    def test_does_not_move_the_end_of_the_keys(self) -> None:
        with identity_provider(make_key()) as idp:
            source = source_of(idp.url)
            refresh(source)
            source.refresh_from_db()
            end = source.usable_until
            idp.fault = always(reply({"keys": []}))
            refresh(source)
        source.refresh_from_db()
        assert source.usable_until == end

    def test_of_a_name_that_now_leads_inside_reaches_nothing(self, settings: Any) -> None:
        """F17: the name resolves to this host after the first fetch; the canary gets no connection."""
        settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.1/32"),))
        leads_to = ["127.0.0.1"]

        def resolve(_host: str, _port: int) -> Sequence[str]:
            return leads_to

        with identity_provider(make_key()) as idp, site(always(reply({}))) as canary:
            issuer = f"http://idp.example:{idp.site.port}"
            idp.documents[OPENID] = {"issuer": issuer, "jwks_uri": issuer + JWKS}
            source = source_of(issuer)
            assert refresh(source, http=Outbound(resolve=resolve))
            known = kids_of(source)
            settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=())
            assert not refresh(source, http=Outbound(resolve=resolve))
            assert canary.connections == 0
            assert idp.fetches() == 1
        assert kids_of(source) == known
        assert "was not called" in source.last_error


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


class TestTakeover:
    """F15: every key of a set of several changes at once."""

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

    def test_of_the_only_key_is_an_ordinary_rotation(self) -> None:
        """F14: no overlap, and nothing to wait for."""
        new = make_key()
        with identity_provider(make_key()) as idp:
            source = source_of(idp.url)
            refresh(source)
            idp.publish(new)
            refresh(source)
        assert kids_of(source) == {new.kid}


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
