"""What pages show of watched issuers: the last picture, each key's first and last day, how looks went (RFC 8414)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import F

from exchange.models import Looked, SeenKey, TrustWatch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from partners.watched import WatchedTrust

LOOKS_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One trust with what is known of its issuer. ``watch`` is None before the first look."""

    trust: WatchedTrust
    watch: TrustWatch | None
    keys: tuple[SeenKey, ...]
    looks: tuple[Looked, ...]


def pictures(trusts: Sequence[WatchedTrust]) -> tuple[Shown, ...]:
    """In the order of the trusts. Three queries, and the newest looks only."""
    watches = {row.trust_id: row for row in TrustWatch.objects.filter(trust__in=[trust.id for trust in trusts])}
    ids = [row.id for row in watches.values()]
    keys: dict[UUID, list[SeenKey]] = defaultdict(list)
    for key in SeenKey.objects.filter(watch__in=ids).order_by(
        F("gone_at").desc(nulls_first=True), "-first_seen_at", "id"
    ):
        keys[key.watch_id].append(key)
    looks: dict[UUID, list[Looked]] = defaultdict(list)
    for look in Looked.objects.filter(watch__in=ids).order_by("-last_at")[: LOOKS_SHOWN * max(len(ids), 1)]:
        looks[look.watch_id].append(look)
    return tuple(
        Shown(
            trust=trust,
            watch=(row := watches.get(trust.id)),
            keys=tuple(keys[row.id]) if row else (),
            looks=tuple(looks[row.id][:LOOKS_SHOWN]) if row else (),
        )
        for trust in trusts
    )
