"""What was really used: granted exchanges by partner and target, and the newest of one such pair with all they say.

Led by ``event_by_partner``: both questions name their partners and a time from which on they ask.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.db.models import Count, Q, Sum

from audit import events
from audit.models import Event, UseOfSpan
from audit.partitions import lowest_id
from audit.selectors import instant_of
from audit.spans import DAY, HOUR, covered, midnight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from django.db.models import QuerySet

    from audit.spans import Covered

SAMPLE: Final = 200
LATEST: Final = 2**33
"""Seconds since 1970 that no honest token names: the year 2242."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The newest grants of one partner at one target, counted by what they say. ``mappings`` are counted by name.

    ``scopes`` counts what was granted to each client by each mapping: (mapping, client, scope).
    """

    examined: int
    last: datetime | None
    clients: Mapping[str, int]
    mappings: Mapping[str, int]
    scopes: Mapping[tuple[str, str, str], int]


def uses(partners: Sequence[UUID], *, since: datetime) -> Counter[tuple[UUID, str]]:
    """How many were granted since that day began, by partner and audience. One for several audiences counts for each.

    Three queries: which time is counted, the counts, and the trail of the time that is not.
    """
    first = midnight(since)
    known = covered(first, datetime.now(UTC))
    counts = _counted(partners, known).values_list("partner_id", "target").annotate(count=Sum("granted"))
    found: Counter[tuple[UUID, str]] = Counter()
    for partner, targets, count in (*counts, *_not_counted(partners, first, known)):
        for audience in targets.split():
            found[partner, audience] += count
    return found


def _counted(partners: Sequence[UUID], known: Covered) -> QuerySet[UseOfSpan]:
    by_days = Q(hours=DAY // HOUR, start__gte=known.start, start__lt=known.turn)
    by_hours = Q(hours=1, start__gte=known.turn, start__lt=known.end)
    return UseOfSpan.objects.filter(by_days | by_hours, partner_id__in=partners)


def _not_counted(partners: Sequence[UUID], first: datetime, known: Covered) -> Iterable[tuple[UUID, str, int]]:
    """What came after the counted time, and before it where the counting began later than that."""
    outside = Q(id__gte=lowest_id(known.end))
    if first < known.start:
        outside |= Q(id__gte=lowest_id(first), id__lt=lowest_id(known.start))
    rows = Event.objects.filter(outside, partner_id__in=partners, kind=events.ExchangeGranted.kind)
    return rows.values_list("partner_id", "target").annotate(count=Count("id"))


def usage(partner: UUID, audience: str, *, since: datetime, size: int = SAMPLE) -> Usage:
    """The newest grants for this audience, looked into one by one. Three queries.

    The counts say how far back they reach, so that the trail is read no further than that.
    """
    targets, begins = _reaching(partner, audience, midnight(since), size)
    rows = Event.objects.filter(partner_id=partner, kind=events.ExchangeGranted.kind, id__gte=lowest_id(begins))
    rows = rows.filter(target__in=targets).order_by("-id")
    told = [
        (at, client, orjson.loads(text)) for at, client, text in rows.values_list("id", "client", "canonical")[:size]
    ]
    return Usage(
        examined=len(told),
        last=instant_of(told[0][0]) if told else None,
        clients=Counter(client for _, client, _ in told),
        mappings=Counter(name for _, _, document in told for name in _names(document)),
        scopes=_scopes((client, document) for _, client, document in told),
    )


def _reaching(partner: UUID, audience: str, first: datetime, size: int) -> tuple[frozenset[str], datetime]:
    """The targets, as events name them, that this audience is among, and from when on the newest grants came."""
    known = covered(first, datetime.now(UTC))
    rows = _counted([partner], known).filter(target__contains=audience).order_by("-start")
    counts = [row for row in rows.values_list("target", "start", "granted") if audience in row[0].split()]
    targets, reached, count = {audience, *(target for target, _, _ in counts)}, first, 0
    for _target, start, granted in counts:
        count += granted
        if count >= size:
            reached = start
            break
    return frozenset(targets), reached


def _scopes(told: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[tuple[str, str, str], int]:
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    for client, document in told:
        for name in _names(document):
            for scope in _data(document).get("token", {}).get("scope", ()):
                counts[name, client, scope] += 1
    return dict(counts)


def _names(document: Mapping[str, Any]) -> list[str]:
    return [str(mapping.get("name", "")) for mapping in _data(document).get("mappings", ())]


def _data(document: Mapping[str, Any]) -> Mapping[str, Any]:
    data = document.get("data")
    return data if isinstance(data, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensSeen:
    """What one issuer's newest accepted tokens had in common. ``youngest`` is the least age any had when it came.

    A token that is younger than nothing was issued by a clock that is ahead of ours: by so much at least.
    """

    issuer: str
    examined: int
    youngest: timedelta | None
    algorithms: tuple[str, ...]


def tokens_seen(partner: UUID, *, since: datetime, size: int = SAMPLE) -> tuple[TokensSeen, ...]:
    """The subject tokens of the partner's newest grants, by issuer. One query."""
    rows = Event.objects.filter(partner_id=partner, kind=events.ExchangeGranted.kind, id__gte=lowest_id(since))
    listed = rows.order_by("-id").values_list("id", "canonical")[:size]
    of_issuer: dict[str, list[tuple[datetime, Mapping[str, Any]]]] = defaultdict(list)
    for at, text in listed:
        subject = _data(orjson.loads(text)).get("subject")
        if isinstance(subject, dict):
            of_issuer[str(subject.get("issuer", ""))].append((instant_of(at), subject))
    return tuple(_seen(issuer, tokens) for issuer, tokens in sorted(of_issuer.items()))


def _seen(issuer: str, tokens: Sequence[tuple[datetime, Mapping[str, Any]]]) -> TokensSeen:
    ages = [at - issued for at, token in tokens if (issued := _issued(token)) is not None]
    return TokensSeen(
        issuer=issuer,
        examined=len(tokens),
        youngest=min(ages, default=None),
        algorithms=tuple(sorted({str(token.get("alg", "")) for _, token in tokens} - {""})),
    )


def _issued(token: Mapping[str, Any]) -> datetime | None:
    claims = token.get("claims")
    issued = claims.get("iat") if isinstance(claims, dict) else None
    return datetime.fromtimestamp(issued, tz=UTC) if isinstance(issued, int) and 0 < issued < LATEST else None
