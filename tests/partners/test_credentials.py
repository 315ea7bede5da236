"""Client secrets (rule 148: shown once, stored hashed, two active at a time for rotation)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from partners import secrets, services
from partners.errors import ConfigurationRefused, IllegalTransition, NotRegistered
from partners.models import ClientSecret
from partners.services.credentials import check_secret
from portal.config import Kek
from tests.conformance.rules import rule
from tests.partners import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from partners.changes import Change

CLIENT = "kestrel-settlement"


def live(secret: str) -> list[int]:
    """The slots that hold this secret."""
    return [
        row.slot
        for row in ClientSecret.objects.order_by("slot")
        if secrets.matches(secret, kek_id=row.kek_id, expected=bytes(row.digest))
    ]


@rule(148, "RFC 9700", "2.5")
def test_a_generated_secret_has_256_bits_and_is_kept_as_its_keyed_hash_only(registered: Change) -> None:
    secret = services.generate_secret(registered, CLIENT)
    assert len(secret) == 43
    assert live(secret) == [1]
    row = ClientSecret.objects.get()
    assert row.kek_id == settings.HANDOVER.kek.id
    assert secret.encode() not in bytes(row.digest)
    assert len(bytes(row.digest)) == 32


@rule(148, "RFC 9700", "2.5")
def test_two_secrets_are_live_and_a_third_replaces_the_older(registered: Change) -> None:
    first, second = (services.generate_secret(registered, CLIENT) for _ in range(2))
    ClientSecret.objects.filter(slot=1).update(created_at=timezone.now() - timedelta(days=1))
    assert (live(first), live(second)) == ([1], [2])
    third = services.generate_secret(registered, CLIENT)
    assert (live(first), live(second), live(third)) == ([], [2], [1])


def test_the_overlap_of_a_rotation_has_an_end_when_one_is_given(registered: Change) -> None:
    services.generate_secret(registered, CLIENT)
    end = timezone.now() + timedelta(days=7)
    services.generate_secret(registered, CLIENT, older_ends_at=end)
    assert list(ClientSecret.objects.order_by("slot").values_list("expires_at", flat=True)) == [end, None]


def test_secrets_put_by_reference_become_exactly_the_live_ones(registered: Change) -> None:
    generated = services.generate_secret(registered, CLIENT)
    services.put_secrets(registered, CLIENT, [examples.SECRET, examples.OTHER_SECRET])
    assert not live(generated)
    assert sorted(live(examples.SECRET) + live(examples.OTHER_SECRET)) == [1, 2]
    services.put_secrets(registered, CLIENT, [examples.OTHER_SECRET])
    assert not live(examples.SECRET)
    assert len(live(examples.OTHER_SECRET)) == 1


def test_a_secret_that_is_live_already_changes_nothing_and_audits_nothing(
    registered: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.put_secrets(registered, CLIENT, [examples.SECRET])
    before = len(events())
    assert services.put_secrets(registered, CLIENT, [examples.SECRET]) == ()
    assert len(events()) == before


def test_a_secret_under_an_older_key_encryption_key_is_still_recognised(registered: Change, settings: Any) -> None:
    services.put_secrets(registered, CLIENT, [examples.SECRET])
    newer = Kek.from_text("A" * 43 + "=")
    settings.HANDOVER = replace(settings.HANDOVER, keks=(newer, *settings.HANDOVER.keks))
    assert services.put_secrets(registered, CLIENT, [examples.SECRET]) == ()
    services.put_secrets(registered, CLIENT, [examples.SECRET, examples.OTHER_SECRET])
    assert set(ClientSecret.objects.values_list("kek_id", flat=True)) == {key.id for key in settings.HANDOVER.keks}


def test_a_withdrawn_secret_is_gone_and_an_empty_slot_is_said_to_be_empty(registered: Change) -> None:
    secret = services.generate_secret(registered, CLIENT)
    services.withdraw_secret(registered, CLIENT, 1)
    assert not live(secret)
    with pytest.raises(IllegalTransition, match="no secret in slot 1"):
        services.withdraw_secret(registered, CLIENT, 1)


def test_no_event_holds_a_secret_or_its_hash(registered: Change, events: Callable[[], list[dict[str, Any]]]) -> None:
    generated = services.generate_secret(registered, CLIENT)
    services.put_secrets(registered, CLIENT, [examples.SECRET])
    text = json.dumps(events())
    for secret in (generated, examples.SECRET):
        kept = secrets.digest(secret, kek_id=settings.HANDOVER.kek.id).hex()
        assert secret not in text
        assert kept not in text


@pytest.mark.parametrize(
    "weak",
    ["", "hunter2", "a" * 43, "ab" * 30, examples.SECRET[:42], examples.SECRET + "!", examples.SECRET + " ", "é" * 43],
)
def test_a_secret_that_could_be_guessed_is_refused_without_being_repeated(registered: Change, weak: str) -> None:
    with pytest.raises(ConfigurationRefused, match="secrets\\[0\\]: expected a generated secret") as refused:
        services.put_secrets(registered, CLIENT, [weak])
    assert not weak or weak not in str(refused.value)
    assert not ClientSecret.objects.exists()


@pytest.mark.parametrize("given_secrets", [[], [examples.SECRET] * 2, [examples.SECRET, examples.OTHER_SECRET, "x"]])
def test_a_client_has_one_secret_or_two_different_ones(registered: Change, given_secrets: list[str]) -> None:
    with pytest.raises(ConfigurationRefused, match="one secret, or two different ones"):
        services.put_secrets(registered, CLIENT, given_secrets)


def test_an_unknown_client_gets_no_secret(registered: Change) -> None:
    with pytest.raises(NotRegistered):
        services.generate_secret(registered, "another")


@given(st.text(max_size=60))
def test_what_is_taken_for_strong_is_long_and_of_many_characters(text: str) -> None:
    assert not check_secret(text) or (len(text) >= 43 and len(set(text)) >= 16)
