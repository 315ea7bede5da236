"""Client secrets: generated here or handed over by reference, kept as a keyed hash, two live at a time (rule 148)."""

from __future__ import annotations

import re
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final

from django.conf import settings

from partners.errors import ConfigurationRefused, IllegalTransition, Problem
from partners.secrets import digest, matches
from partners.services import lookups
from partners.services.differences import FieldChange
from partners.services.recording import Subject, record
from partners.vocabulary import ClientType, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from partners import models
    from partners.changes import Change
    from partners.services.differences import Fields

SECRET_BYTES: Final = 32
SLOTS: Final = (1, 2)
LEAST_DISTINCT: Final = 16
_STRONG: Final = re.compile(r"[A-Za-z0-9_-]{43,256}", re.ASCII)
STRONG: Final = (
    "a generated secret of at least 43 base64url characters (256 bits), because it is kept under a fast hash;"
    " make one with: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='"
)


def generate_secret(change: Change, client_id: str, *, older_ends_at: datetime | None = None) -> str:
    """A new 256-bit secret in the free slot, or in that of the older one. The text is shown now and never again.

    The remaining secret ends at ``older_ends_at``, or stays live when that is None.
    Raises ``NotRegistered``, ``IllegalTransition``.
    """
    row = _confidential(client_id)
    secret = token_urlsafe(SECRET_BYTES)
    live = sorted(row.secrets.all(), key=lambda kept: kept.created_at)
    if len(live) == len(SLOTS):
        live.pop(0).delete()
    for kept in live:
        kept.expires_at = older_ends_at
        kept.save(update_fields=["expires_at"])
    slot = next(slot for slot in SLOTS if slot not in {kept.slot for kept in live})
    _put(row, slot, secret)
    _record(change, row, f"slot {slot}: generated")
    return secret


def put_secrets(change: Change, client_id: str, secrets: Sequence[str]) -> Fields:
    """Make exactly these the live secrets: one that is live already stays, one that is not named ends now.

    Raises ``ConfigurationRefused`` for a secret that is too weak for a fast hash, ``NotRegistered``,
    ``IllegalTransition``.
    """
    _check(client_id, secrets)
    row = _confidential(client_id)
    kept, done = {}, []
    for live in row.secrets.all():
        secret = next((known for known in secrets if _is(live, known)), None)
        if secret is None:
            live.delete()
            done.append(f"slot {live.slot}: withdrawn")
        else:
            kept[secret] = live.slot
    free = (slot for slot in SLOTS if slot not in kept.values())
    for secret in (secret for secret in secrets if secret not in kept):
        slot = next(free)
        _put(row, slot, secret)
        done.append(f"slot {slot}: put")
    return _record(change, row, *done) if done else ()


def withdraw_secret(change: Change, client_id: str, slot: int) -> Fields:
    """A secret ends now. Raises ``NotRegistered``, and ``IllegalTransition`` when the slot is empty."""
    row = _confidential(client_id)
    deleted, _ = row.secrets.filter(slot=slot).delete()
    if not deleted:
        raise IllegalTransition(f"Client {client_id} has no secret in slot {slot}. Nothing is left to do.")
    return _record(change, row, f"slot {slot}: withdrawn")


def check_secret(text: str) -> bool:
    """Whether the text can be a generated 256-bit secret. A short or repetitive one could be guessed offline."""
    return _STRONG.fullmatch(text) is not None and len(set(text)) >= LEAST_DISTINCT


def _check(client_id: str, secrets: Sequence[str]) -> None:
    problems = [
        Problem(path=("secrets", index), expected=STRONG)
        for index, text in enumerate(secrets)
        if not check_secret(text)
    ]
    if not 1 <= len(secrets) <= len(SLOTS) or len(set(secrets)) != len(secrets):
        problems.append(Problem(path=("secrets",), expected="one secret, or two different ones"))
    if problems:
        raise ConfigurationRefused(Kind.CLIENT, client_id, tuple(problems))


def _confidential(client_id: str) -> models.Client:
    row = lookups.client(client_id)
    if row.client_type == ClientType.PUBLIC:
        raise IllegalTransition(f"Client {client_id} is public and keeps no secret. Register a confidential client.")
    if row.partner:
        lookups.require_in_force(row.partner)
    return row


def _is(live: models.ClientSecret, secret: str) -> bool:
    return matches(secret, kek_id=live.kek_id, expected=bytes(live.digest))


def _put(row: models.Client, slot: int, secret: str) -> None:
    kek_id = settings.HANDOVER.kek.id
    row.secrets.create(slot=slot, kek_id=kek_id, digest=digest(secret, kek_id=kek_id))


def _record(change: Change, row: models.Client, *done: str) -> Fields:
    """What happened to which slot. Nothing of the secret: not its length, not its hash."""
    subject = Subject(kind=Kind.CLIENT, name=row.client_id, partner=row.partner, client=row.client_id)
    fields = (FieldChange(field="secrets", old=None, new="; ".join(done)),)
    return record(change, subject, "changed", fields)
