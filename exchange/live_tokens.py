"""How many tokens of a partner are good now, and until when: what a suspension reaches (RFC 7009 section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, Max, OuterRef

from exchange.models import IssuedToken, TokenFamily

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTokens:
    """Tokens that were not revoked and have not ended. ``ends_at`` is when the last of them does."""

    count: int
    ends_at: datetime | None


def of_partner(partner_id: UUID, now: datetime) -> LiveTokens:
    """The live tokens that clients of the partner hold. One query, led by ``issued_token_by_end``."""
    revoked = TokenFamily.objects.filter(pk=OuterRef("family_id"), revoked_at__isnull=False)
    rows = IssuedToken.objects.filter(partner_id=partner_id, expires_at__gt=now, revoked_at=None)
    found = rows.filter(~Exists(revoked)).aggregate(count=Count("id"), ends_at=Max("expires_at"))
    return LiveTokens(count=found["count"], ends_at=found["ends_at"])
