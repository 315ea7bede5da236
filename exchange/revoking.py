"""A client gives a token back (RFC 7009 section 2; reliability.md section 3.2).

What was exchanged from the token ends with it: whoever asks looks at every ancestor. The row is written under the lock
that the ledger's batches share, so no descendant can be committed after the revocation was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import DatabaseError, IntegrityError, close_old_connections, connection, transaction
from django.db.models.functions import Now

from audit import events
from audit import services as audit
from exchange.clients import authenticate_client
from exchange.jwt_checks import Wrong
from exchange.ledger import LedgerUnavailable, Replayed
from exchange.models import IssuedToken, SpentJti
from exchange.own_tokens import OwnToken
from exchange.protocol.client_auth import present
from exchange.protocol.introspection import parse_question
from partners.changes import LEDGER_LOCK
from policy.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from exchange.caller import Incoming
    from exchange.references import References
    from exchange.snapshot import Snapshot
    from exchange.spending import SpendOnce
    from exchange.trail import Trail


async def asked_to_revoke(
    incoming: Incoming, snapshot: Snapshot, references: References, trail: Trail, *, now: datetime
) -> OwnToken | Wrong:
    """The caller's own token, or why there is nothing to do. Raises ``OAuthError`` for the question, or ``Unanswered``.

    Somebody else's token stays as it is, and the answer is the same (rule 76): who found one cannot end it.
    """
    token = parse_question(incoming.form)
    credentials = trail.presented(present(incoming.authorization, incoming.form, incoming.certificate))
    client = trail.authenticated(authenticate_client(credentials, snapshot.registry, grant_type=None, now=now))
    incoming.limits.client(client.client, "revocation")
    own = await references.read(token, snapshot, now=now)
    if isinstance(own, OwnToken) and own.client_id != client.client.client_id:
        return Wrong(reason=Reason.TOKEN_OF_OTHERS, expected=client.client.client_id, received=own.client_id)
    return own


def revoke(own: OwnToken, trail: Trail, *, correlation_id: UUID) -> None:
    """End the token, durably, with its event; a second time changes nothing.

    Runs in a thread. Raises ``Replayed``, or ``LedgerUnavailable``: then the token may be as good as it was.
    """
    try:
        _end(own, trail, correlation_id)
    except DatabaseError as error:
        raise LedgerUnavailable(type(error).__name__) from error
    finally:
        close_old_connections()


def _end(own: OwnToken, trail: Trail, correlation_id: UUID) -> None:
    client = trail.authenticated_client
    assert client is not None
    partner = client.client.partner
    event = events.TokenRevoked(
        partner_id=partner.id if partner else None,
        partner=partner.slug if partner else "",
        client=own.client_id,
        target=" ".join(own.audience)[:1024],
        data=trail.document(()) | {"token": {"jti": own.id}},
    )
    with transaction.atomic(durable=True):
        claim(trail.unspent())
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LEDGER_LOCK])
        IssuedToken.objects.filter(pk=own.id, revoked_at=None).update(revoked_at=Now())
        audit.record(event, events.Actor(events.ActorKind.CLIENT, own.client_id), correlation_id=correlation_id)


def claim(spends: Iterable[SpendOnce]) -> None:
    """Within a transaction, claim what the caller's proof spends. Raises ``Replayed``."""
    for spend in spends:
        try:
            with transaction.atomic():
                SpentJti.objects.create(
                    purpose=spend.purpose, issuer=spend.issuer, jti=spend.jti, expires_at=spend.expires_at
                )
        except IntegrityError as error:
            raise Replayed(spend) from error
