"""Where an issuer's keys are: discovery, and addresses that only an admin may change."""

from __future__ import annotations

import pytest

from audit.events import SYSTEM
from partners import key_sources
from partners.changes import changing
from tests.exchange.identity_providers import (
    JWKS,
    OAUTH,
    OPENID,
    events,
    identity_provider,
    kids_of,
    refresh,
    source_of,
)
from tests.signers import make_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback_allowed")]


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
