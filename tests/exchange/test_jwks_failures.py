"""A bad answer never costs a partner its good keys (F12, F13, F17)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from exchange.outbound import Limits, Outbound
from tests.attacks import attack
from tests.exchange.identity_providers import (
    JWKS,
    OPENID,
    epoch,
    events,
    identity_provider,
    kids_of,
    refresh,
    source_of,
)
from tests.exchange.sites import always, reply, site
from tests.signers import make_key

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback_allowed")]


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
    @attack("F12", "F13")
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

    @attack("F13")
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

    @attack("A20", "F17")
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
