"""What tokens go back to, ended with all that came of it: refresh tokens here (RFC 7009 s2, RFC 9700 s4.14.2).

A refresh token that comes twice was stolen from one of the two that hold it: its family ends, and with it every access
token that any of the family gave, at the next question about them.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.db.models.functions import Now
from oauth2_provider.models import RefreshToken

from audit import events
from audit import services as audit
from exchange.ledger import LedgerUnavailable
from exchange.models import TokenFamily
from exchange.revoking import claim
from partners.changes import LEDGER_LOCK

if TYPE_CHECKING:
    from uuid import UUID

    from exchange.trail import Trail
    from policy.raw import RawToken


def end_root(issuer: str, token_id: str, event: events.TokenRevoked, *, correlation_id: UUID | None = None) -> int:
    """Revoke all families of one root, with one event; how many were in force. Nothing of them commits afterwards."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LEDGER_LOCK])
        families = TokenFamily.objects.filter(root_issuer=issuer, root_token_id=token_id, revoked_at=None)
        count = families.update(revoked_at=Now(), revoked_reason="root revoked")
        audit.record(event, events.Actor(events.ActorKind.CLIENT, event.client), correlation_id=correlation_id)
    return count


def end_family_of(token: str) -> None:
    """The refresh token was refused. If it was used or given back before, everything of its family ends."""
    row = _row(token)
    if row is not None and row.revoked is not None and row.token_family is not None:
        _end(row, "a refresh token that was used before")


def in_turn(token: str) -> None:
    """Wait until nothing else of this refresh token's family is being answered; it lasts to the transaction's end.

    Of two uses at the same time both would be served before either knew of the other (attack A25). The lock is of two
    numbers, which never meet the ledger's of one.
    """
    row = _row(token) if token else None
    if row is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(1, hashtext(%s))", [str(row.token_family)])


def give_back(token: RawToken, trail: Trail, *, correlation_id: UUID) -> bool:
    """End the family of the caller's own refresh token; whether it was one. Runs in a thread.

    Raises ``Replayed``, or ``LedgerUnavailable``: then the token may be as good as it was.
    """
    try:
        row = _row(token.reveal())
        if row is None or row.application.client_id != trail.client_id():
            return False
        with transaction.atomic(durable=True):
            claim(trail.unspent())
            in_turn(token.reveal())
            RefreshToken.revoke_family(row.token_family)
            _end(row, "given back", correlation_id)
    except DatabaseError as error:
        raise LedgerUnavailable(type(error).__name__) from error
    finally:
        close_old_connections()
    return True


def _row(token: str) -> RefreshToken | None:
    rows = RefreshToken.objects.filter(token_checksum=sha256(token.encode()).hexdigest())
    row: RefreshToken | None = rows.select_related("application__partner").order_by("-created").first()
    return row


def _end(row: RefreshToken, why: str, correlation_id: UUID | None = None) -> None:
    partner = row.application.partner
    event = events.TokenRevoked(
        partner_id=partner.id if partner else None,
        partner=partner.slug if partner else "",
        client=row.application.client_id,
        data={"root": str(row.token_family), "why": why},
    )
    end_root(settings.HANDOVER.issuer, str(row.token_family), event, correlation_id=correlation_id)
