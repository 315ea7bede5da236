"""The life of our signing keys: published before they sign, kept until the last token they signed is over (rule 86).

Verifiers keep our key set for a while (RFC 7517 section 5). A key that signed before everybody could know it would make
good tokens fail; one that left too early likewise; and one that leaked leaves at once, whatever fails.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import timezone

from audit import events
from exchange import keys
from exchange.models import SigningKey
from partners.changes import changing

if TYPE_CHECKING:
    from datetime import datetime

    from partners.changes import Change

CACHE_LIFETIME: Final = timedelta(minutes=15)
"""How long the key set says it may be kept; no key signs before it was published for so long."""

AHEAD: Final = timedelta(days=2)
"""How long before its first use a rotation publishes a key: verifiers that keep key sets longer than told get along."""

PERIOD: Final = timedelta(days=90)
LEEWAY: Final = timedelta(minutes=5)
"""Beyond the longest token: clocks of verifiers that run behind."""


class KeyTooFresh(ValueError):
    """Somebody may still hold a key set without this key."""


class KeyInUse(ValueError):
    """A token that this key signed may still be good."""


def publish(change: Change, key: SigningKey, *, now: datetime) -> None:
    """Show a generated key in the key set; it signs nothing yet."""
    SigningKey.objects.filter(pk=key.pk, state=SigningKey.State.GENERATED).update(
        state=SigningKey.State.PUBLISHED, published_at=now
    )
    change.touch_keys()
    change.record(events.KeyPublished(data={"kid": key.kid}))


def activate(change: Change, key: SigningKey, *, now: datetime) -> None:
    """Sign with this key from now on. Raises ``KeyTooFresh``."""
    if key.published_at is None or now < key.published_at + CACHE_LIFETIME:
        raise KeyTooFresh(f"Key {key.kid} must be published for {CACHE_LIFETIME} before it signs.")
    keys.activate(change, key)


def retire(change: Change, key: SigningKey, *, now: datetime) -> None:
    """Take a key that no longer signs out of the key set. Raises ``KeyInUse``."""
    if key.retiring_at is None or now < key.retiring_at + settings.HANDOVER.token_lifetime + LEEWAY:
        raise KeyInUse(f"Key {key.kid} verifies until the last token it signed is over.")
    SigningKey.objects.filter(pk=key.pk).update(state=SigningKey.State.RETIRED, retired_at=now)
    change.touch_keys()
    change.record(events.KeyRetired(data={"kid": key.kid}))


def give_up(change: Change, key: SigningKey) -> None:
    """A key that others may know: out of the key set at once, with a new one in its place where it signed.

    Tokens it signed fail from now on, and so may those of the new key until verifiers fetched it: the lesser evil.
    """
    was_active = key.state == SigningKey.State.ACTIVE
    SigningKey.objects.filter(pk=key.pk).update(state=SigningKey.State.COMPROMISED, retired_at=timezone.now())
    change.touch_keys()
    change.record(events.KeyCompromised(data={"kid": key.kid}))
    if was_active:
        keys.activate(change, keys.generate(change))


def rotate(*, now: datetime | None = None) -> None:
    """Do what is due: publish a successor, let it sign, retire what is over. Idempotent; one rotation at a time."""
    now = now or timezone.now()
    with changing(events.SYSTEM) as change:
        rows = list(SigningKey.objects.select_for_update().filter(use="access").order_by("created_at"))
        active = next(key for key in rows if key.state == SigningKey.State.ACTIVE)
        successor = next((key for key in rows if key.state == SigningKey.State.PUBLISHED), None)
        if active.activated_at is not None and now >= active.activated_at + PERIOD - AHEAD and successor is None:
            publish(change, keys.generate(change), now=now)
        elif successor is not None and successor.published_at is not None and now >= successor.published_at + AHEAD:
            activate(change, successor, now=now)
        for key in rows:
            ended = key.retiring_at and now >= key.retiring_at + settings.HANDOVER.token_lifetime + LEEWAY
            if key.state == SigningKey.State.RETIRING and ended:
                retire(change, key, now=now)
