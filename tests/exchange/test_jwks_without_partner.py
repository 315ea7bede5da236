"""Keys of a client of our own are kept fresh like a partner's, and what becomes of them is recorded."""

from __future__ import annotations

import pytest

from partners import models, selectors
from tests import world as worlds
from tests.exchange.identity_providers import JWKS, epoch, events, identity_provider, kids_of, refresh
from tests.exchange.sites import always, reply
from tests.signers import make_key

pytestmark = pytest.mark.usefixtures("committed_database", "loopback_allowed")


def test_keys_that_belong_to_no_partner_are_fetched_recorded_and_seen_by_who_reads_what_moved() -> None:
    key, new = make_key(), make_key()
    with identity_provider(key) as idp:
        source = models.KeySource.objects.create(partner=None, method="jwks_uri", location=idp.url + JWKS)
        worlds.add_client(None, "our-archive", methods=["private_key_jwt"], key_source=source)
        assert refresh(source)
        before = epoch()
        idp.publish(key, new)
        assert refresh(source)
        assert epoch() > before
        moved = selectors.configuration(since=before).partners[None]
        assert [jwk["kid"] for jwk in moved.key_sets[0].keys] == [key.kid, new.kid]
        idp.fault = always(reply({}, status="500 Oops"))
        assert not refresh(source)
    assert kids_of(source) == {key.kid, new.kid}
    assert [(event["partner"], event["reason"]) for event in events()] == [("", ""), ("", ""), ("", "fetch_failed")]
