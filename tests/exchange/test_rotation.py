"""Our signing keys: shown before they sign, kept until their last token is over, gone at once when they leaked."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from audit.events import SYSTEM
from exchange import keys, rotation
from exchange.models import SigningKey
from exchange.tasks import rotate_keys
from partners.changes import changing
from tests.conformance.rules import rule

pytestmark = pytest.mark.usefixtures("committed_database")


@pytest.fixture
def first() -> SigningKey:
    """The key that signs, as it was made by the first migration."""
    keys.ensure_signing_key()
    return SigningKey.objects.get(state="active")


def aged(key: SigningKey, **fields: Any) -> SigningKey:
    SigningKey.objects.filter(pk=key.pk).update(**fields)
    return SigningKey.objects.get(pk=key.pk)


def shown() -> set[str]:
    """The ids in the key set that verifiers read."""
    return {key["kid"] for key in json.loads(keys.load().jwks)["keys"]}


def states() -> dict[str, str]:
    return dict(SigningKey.objects.values_list("kid", "state"))


@rule(86, "RFC 7517", "5")
def test_no_key_signs_before_every_verifier_can_know_it(first: SigningKey) -> None:
    with changing(SYSTEM) as change:
        key = keys.generate(change)
        assert key.kid not in shown()
        rotation.publish(change, key, now=timezone.now())
        key.refresh_from_db()
        assert {first.kid, key.kid} <= shown()
        assert keys.load().signer.kid == first.kid
        with pytest.raises(rotation.KeyTooFresh):
            rotation.activate(change, key, now=timezone.now())
        rotation.activate(change, key, now=timezone.now() + rotation.CACHE_LIFETIME)
    assert keys.load().signer.kid == key.kid
    assert {first.kid, key.kid} <= shown()


@rule(86, "RFC 7517", "5")
def test_a_key_is_kept_until_the_longest_token_it_signed_is_over(first: SigningKey) -> None:
    now = timezone.now()
    key = aged(first, state="retiring", retiring_at=now)
    with changing(SYSTEM) as change:
        with pytest.raises(rotation.KeyInUse):
            rotation.retire(change, key, now=now + settings.HANDOVER.token_lifetime)
        rotation.retire(change, key, now=now + settings.HANDOVER.token_lifetime + rotation.LEEWAY)
    assert states()[key.kid] == "retired"


@rule(86, "RFC 7517", "5")
def test_a_key_that_leaked_leaves_at_once_and_another_signs(first: SigningKey) -> None:
    with changing(SYSTEM) as change:
        rotation.give_up(change, first)
    assert first.kid not in shown()
    ours = keys.load()
    assert ours.signer.kid != first.kid
    assert ours.ring.find(first.kid) is None
    assert states()[first.kid] == "compromised"


@rule(86, "RFC 7517", "5")
def test_a_rotation_runs_by_itself_one_step_at_a_time(first: SigningKey) -> None:
    rotate_keys()
    assert states() == {first.kid: "active"}
    due = timezone.now() + rotation.PERIOD
    rotation.rotate(now=due)
    rotation.rotate(now=due)
    (successor,) = SigningKey.objects.filter(state="published")
    assert states() == {first.kid: "active", successor.kid: "published"}
    published = successor.published_at
    assert published is not None
    rotation.rotate(now=published + rotation.AHEAD - timedelta(seconds=1))
    assert states()[first.kid] == "active"
    rotation.rotate(now=published + rotation.AHEAD)
    assert states() == {first.kid: "retiring", successor.kid: "active"}
    retiring = SigningKey.objects.get(pk=first.pk).retiring_at
    assert retiring is not None
    rotation.rotate(now=retiring + settings.HANDOVER.token_lifetime + rotation.LEEWAY)
    assert states() == {first.kid: "retired", successor.kid: "active"}
    assert shown() == {successor.kid}
