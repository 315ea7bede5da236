"""Finding issued tokens by what people hold in their hands: a ``jti``, ours or the partner's, or a subject.

Tokens and families are kept for a while after their end (``HANDOVER_TOKEN_RETENTION``); what they did is in the audit
trail for longer, where the reference of an exchange finds it (RFC 8693 section 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import connection

from exchange.models import IssuedToken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from django.db import models

MOST: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundToken:
    """One issued token as a result shows it. ``event_id`` is the event of its exchange."""

    id: UUID
    event_id: UUID
    subject: str
    audience: tuple[str, ...]
    scope: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


def by_id(token_id: UUID) -> tuple[FoundToken, ...]:
    """The token of ours with this ``jti``, if it is still known. One query, by the primary key."""
    return _found(IssuedToken.objects.filter(pk=token_id))


def by_root(token_id: str, issuers: Iterable[str]) -> tuple[FoundToken, ...]:
    """What was made of a partner's token, by its ``jti`` (or digest) at any of these issuers; newest first.

    Two queries, led by ``family_by_root``: the issuers are named, since an identifier is unique within one only.
    """
    return _of_families(_ROOTS, [list(issuers), token_id])


def by_subject(subjects: Sequence[str]) -> tuple[FoundToken, ...]:
    """What was issued for any of these subjects, newest first. Two queries, led by ``family_by_subject``."""
    return _of_families(_SUBJECTS, [list(subjects)])


_SUBJECTS: Final = """
    SELECT family.id FROM unnest(%s::text[]) AS asked(subject) CROSS JOIN LATERAL (
        SELECT id FROM exchange_tokenfamily
        WHERE subject >= asked.subject AND subject <= asked.subject ORDER BY subject, id DESC LIMIT 20
    ) family ORDER BY family.id DESC LIMIT 20
"""
_ROOTS: Final = """
    SELECT family.id FROM unnest(%s::text[]) AS asked(issuer) CROSS JOIN LATERAL (
        SELECT id FROM exchange_tokenfamily
        WHERE root_issuer = asked.issuer AND root_token_id = %s LIMIT 20
    ) family ORDER BY family.id DESC LIMIT 20
"""
# By subject ordered as the index is. Asked for "equal, the newest", the planner reads the primary key backwards, which
# for somebody who never had a token is the whole table. Of one root there are few: they are sorted once they are found.


def _of_families(query: str, parameters: list[str | list[str]]) -> tuple[FoundToken, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        ids = [family for (family,) in cursor.fetchall()]
    return _found(IssuedToken.objects.filter(family_id__in=ids).order_by("-id")) if ids else ()


def _found(rows: models.QuerySet[IssuedToken]) -> tuple[FoundToken, ...]:
    return tuple(
        FoundToken(
            id=row.id,
            event_id=row.event_id,
            subject=row.subject,
            audience=tuple(row.audience),
            scope=row.scope,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )
        for row in rows.defer("claims")[:MOST]
    )
