"""Devices without a browser: the codes they show, and what became of their requests (RFC 8628).

Both codes are secrets, and neither is kept. The device code has 256 bits, of which a digest tells nothing. The user
code is short, for people to type: its digest is keyed, so that a copy of the database is no list of codes.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from secrets import choice, token_urlsafe
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection, transaction

from audit import events
from audit import services as audit
from exchange.ledger import LedgerUnavailable, StaleRegistry
from exchange.models import DeviceGrant
from exchange.revoking import claim
from partners import selectors
from policy.raw import RawToken
from policy.reasons import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.db.models import QuerySet

    from exchange.device_requests import Asked
    from exchange.trail import Trail

LIFETIME: Final = timedelta(minutes=10)
INTERVAL: Final = timedelta(seconds=5)
LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628 section 6.1: no vowels, so that no code is a word; no digits, so that none is mistaken for a letter."""
LENGTH: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What the device is told once: one code to ask with, the other, of 34 bits, for its user to type."""

    device_code: RawToken
    user_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A device that waits for an answer, as the person who is to give it sees it; ``partner`` is a name."""

    grant_id: int
    client_id: str
    client: str
    partner_id: UUID | None
    partner_slug: str
    partner: str
    scope: tuple[str, ...]
    address: str


def begin(asked: Asked, trail: Trail, *, epoch: int) -> Codes:
    """Codes for a device, kept and recorded in one transaction. Runs in a thread.

    Raises ``Replayed``, ``StaleRegistry`` where the client was judged by another configuration than the one in force,
    or ``LedgerUnavailable``: then nobody heard of the codes.
    """
    codes = Codes(device_code=RawToken(token_urlsafe(32)), user_code="".join(choice(LETTERS) for _ in range(LENGTH)))
    try:
        with transaction.atomic(durable=True):
            current = selectors.epoch()
            if current != epoch:
                raise StaleRegistry(current)
            claim(trail.unspent())
            _keep(codes, asked, trail)
    except DatabaseError as error:
        raise LedgerUnavailable(type(error).__name__) from error
    finally:
        close_old_connections()
    return codes


def _keep(codes: Codes, asked: Asked, trail: Trail) -> None:
    client, scope = asked.client, sorted(asked.scope)
    expires = _now() + LIFETIME
    DeviceGrant.objects.create(
        device_code=_digest(codes.device_code.reveal()),
        user_code=_keyed(codes.user_code, settings.HANDOVER.kek.id),
        client_id=client.client_id,
        scope=" ".join(scope),
        interval=int(INTERVAL.total_seconds()),
        expires=expires,
        address=trail.address[:64],
    )
    event = events.DeviceRequested(
        partner_id=client.partner.id if client.partner else None,
        partner=client.partner.slug if client.partner else "",
        client=client.client_id,
        data=trail.document(()) | {"device": {"scope": [*scope], "expires_at": int(expires.timestamp())}},
    )
    actor = events.Actor(events.ActorKind.CLIENT, client.client_id)
    audit.record(event, actor, correlation_id=UUID(trail.correlation_id))


def polled(device_code: str, client_id: str) -> DeviceGrant | Reason:
    """What a device that asks for its token gets: the grant, locked until the transaction ends, or why not (s3.5).

    To be called in a transaction: of any number of polls one finds the row of an allowed grant, and uses it up.
    """
    rows = DeviceGrant.objects.select_for_update(of=("self",)).select_related("user")
    grant = rows.filter(device_code=_digest(device_code), client_id=client_id).first()
    if grant is None:
        return Reason.GRANT_REFUSED
    now = _now()
    if now >= grant.expires:
        return Reason.GRANT_EXPIRED
    if grant.status == DeviceGrant.AUTHORIZATION_PENDING:
        return _still_pending(grant, now)
    is_allowed = grant.status == DeviceGrant.AUTHORIZED and grant.user is not None and grant.user.is_active
    return grant if is_allowed else Reason.GRANT_DENIED


def _still_pending(grant: DeviceGrant, now: datetime) -> Reason:
    """The device waits on; one that asked before its interval was over waits 5 seconds longer each time."""
    is_too_fast = grant.last_checked is not None and now < grant.last_checked + timedelta(seconds=grant.interval)
    grant.interval += int(INTERVAL.total_seconds()) if is_too_fast else 0
    grant.last_checked = now
    grant.save(update_fields=["interval", "last_checked"])
    return Reason.GRANT_POLLED_TOO_FAST if is_too_fast else Reason.GRANT_PENDING


def waiting(user_code: str) -> Waiting | None:
    """The device that shows this code and still waits for an answer; None also where its client may not act now."""
    digests = [_keyed(plain(user_code), kek.id) for kek in settings.HANDOVER.keks]
    grant = _pending().filter(user_code__in=digests, expires__gt=_now()).first()
    if grant is None:
        return None
    clients: QuerySet[Any] = apps.get_model(settings.OAUTH2_PROVIDER_APPLICATION_MODEL).objects.all()
    client = clients.select_related("partner").filter(client_id=grant.client_id).first()
    if client is None or not client.is_usable(None):
        return None
    return Waiting(
        grant_id=grant.pk,
        client_id=client.client_id,
        client=client.name or client.client_id,
        partner_id=client.partner and client.partner.id,
        partner_slug=client.partner.slug if client.partner else "",
        partner=client.partner.name if client.partner else "",
        scope=tuple(grant.scope.split()),
        address=grant.address,
    )


def answer(found: Waiting, user: AbstractBaseUser, *, is_allowed: bool) -> bool:
    """Write down what the person said, with its event; False where it was answered or ended meanwhile."""
    with transaction.atomic(durable=True):
        status = DeviceGrant.AUTHORIZED if is_allowed else DeviceGrant.DENIED
        if not _pending().filter(pk=found.grant_id, expires__gt=_now()).update(status=status, user=user):
            return False
        kind = events.DeviceAllowed if is_allowed else events.DeviceRefused
        event = kind(
            partner_id=found.partner_id,
            partner=found.partner_slug,
            client=found.client_id,
            data={"scope": [*found.scope], "address": found.address},
        )
        audit.record(event, events.Actor(events.ActorKind.USER, user.get_username()))
    return True


def plain(user_code: str) -> str:
    """A user code as it was made: the hyphen, spaces and case that people type do not count (section 6.1)."""
    return "".join(letter for letter in user_code.upper() if letter in LETTERS)


def spaced(user_code: str) -> str:
    """A user code as people read it: two groups of four."""
    return f"{user_code[: LENGTH // 2]}-{user_code[LENGTH // 2 :]}"


def _pending() -> QuerySet[DeviceGrant]:
    return DeviceGrant.objects.filter(status=DeviceGrant.AUTHORIZATION_PENDING)


def _digest(device_code: str) -> str:
    return sha256(device_code.encode("utf-8", "surrogatepass")).hexdigest()


def _keyed(user_code: str, kek_id: str) -> str:
    key = settings.HANDOVER.kek_by_id(kek_id).derive("device-user-code")
    return hmac.digest(key, user_code.encode(), "sha256").hex()


def _now() -> datetime:
    """The database's time at this very moment: after a lock was waited for, and the same for every process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
