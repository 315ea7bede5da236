"""Partners as lists show them: a page of the list, names for ids, and what to offer in a filter. Frozen values only."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, Q
from django.db.models.functions import Lower

from partners import models
from partners.health import health_of
from partners.states import MappingState, TrustState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from django.db.models import QuerySet

PAGE_SIZE: Final = 50
SUGGESTIONS: Final = 100


class TrustHealth(StrEnum):
    """The worst of a partner's trusts: what its next exchange will meet."""

    HEALTHY = "healthy"
    WAITING = "waiting"
    FAILING = "failing"
    ENDING = "ending"
    ENDED = "ended"
    QUARANTINED = "quarantined"
    NONE = "none"


_FROM_BEST_TO_WORST: Final = tuple(TrustHealth)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerEntry:
    """One partner as the list shows it. ``issuer`` is the first of its trusts, empty where it has none."""

    id: UUID
    slug: str
    name: str
    state: str
    health: TrustHealth
    issuer: str
    clients: int
    mappings: int
    owner: str
    review_due_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which partners are asked for, and in which order of names."""

    text: str = ""
    state: str = ""
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerPage:
    """One page of the list and the slugs to continue from in both directions."""

    entries: tuple[PartnerEntry, ...]
    next: str
    previous: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerName:
    """What a page calls a partner."""

    slug: str
    name: str


def partners(wanted: Wanted, *, now: datetime, after: str = "", before: str = "") -> PartnerPage:
    """A page of partners by name, from after one slug or before another. Five queries, whatever the size of the page.

    The order is that of ``partner_by_name`` (lower-case name, then slug).
    """
    backwards = bool(before) and not after
    ordered = _ordered(_matching(wanted), descending=wanted.descending != backwards)
    anchor = _anchor(after or before)
    if anchor is not None:
        ordered = ordered.filter(_beyond(*anchor, descending=wanted.descending != backwards))
    rows = list(ordered.select_related("owner")[: PAGE_SIZE + 1])
    has_more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    if backwards:
        rows.reverse()
    has_next, has_previous = (True, has_more) if backwards else (has_more, anchor is not None)
    return PartnerPage(
        entries=_entries(rows, now),
        next=rows[-1].slug if rows and has_next else "",
        previous=rows[0].slug if rows and has_previous else "",
    )


def chosen(slugs: Iterable[str], *, now: datetime) -> tuple[PartnerEntry, ...]:
    """The partners of these slugs, by name. Four queries, however many they are."""
    rows = models.Partner.objects.filter(slug__in=list(slugs)).select_related("owner")
    return _entries(list(rows.order_by(Lower("name"), "slug")), now)


def slugs(wanted: Wanted, *, most: int) -> tuple[str, ...]:
    """The partners that match, by name, as many as ``most``. One query."""
    rows = _ordered(_matching(wanted), descending=wanted.descending)
    return tuple(rows.values_list("slug", flat=True)[:most])


def _matching(wanted: Wanted) -> QuerySet[models.Partner]:
    rows = models.Partner.objects.annotate(sorted_name=Lower("name"))
    if wanted.text:
        rows = rows.filter(Q(name__icontains=wanted.text) | Q(slug__icontains=wanted.text))
    return rows.filter(state=wanted.state) if wanted.state else rows


def _ordered(rows: QuerySet[models.Partner], *, descending: bool) -> QuerySet[models.Partner]:
    name = Lower("name").desc() if descending else Lower("name").asc()
    return rows.order_by(name, "-slug" if descending else "slug")


def _anchor(slug: str) -> tuple[str, str] | None:
    """The place in the order of the partner of this slug; None also where it is gone, which starts from the top."""
    if not slug:
        return None
    name: str | None = models.Partner.objects.filter(slug=slug).values_list(Lower("name"), flat=True).first()
    return None if name is None else (name, slug)


def _beyond(name: str, slug: str, *, descending: bool) -> Q:
    way = "lt" if descending else "gt"
    return Q(**{f"sorted_name__{way}": name}) | Q(sorted_name=name, **{f"slug__{way}": slug})


def _entries(rows: Sequence[models.Partner], now: datetime) -> tuple[PartnerEntry, ...]:
    ids = [row.id for row in rows]
    clients = _count(models.Client.objects.filter(partner__in=ids))
    mappings = _count(models.ScopeMapping.objects.filter(partner__in=ids, state=MappingState.PUBLISHED))
    trusts = _trusts_of(ids)
    return tuple(
        PartnerEntry(
            id=row.id,
            slug=row.slug,
            name=row.name,
            state=row.state,
            health=_worst(trusts[row.id], now),
            issuer=trusts[row.id][0].issuer if trusts[row.id] else "",
            clients=clients[row.id],
            mappings=mappings[row.id],
            owner=str(row.owner or ""),
            review_due_on=row.review_due_on,
        )
        for row in rows
    )


def _count(rows: QuerySet[Any]) -> Counter[UUID]:
    return Counter(dict(rows.order_by().values_list("partner_id").annotate(count=Count("id"))))


def _trusts_of(ids: Iterable[UUID]) -> Mapping[UUID, list[models.FederationTrust]]:
    """The trusts not withdrawn, without the key sets themselves, which are large."""
    rows = models.FederationTrust.objects.filter(partner__in=ids).exclude(state=TrustState.WITHDRAWN)
    found: dict[UUID, list[models.FederationTrust]] = defaultdict(list)
    for row in rows.select_related("key_source").defer("key_source__jwks", "rules"):
        found[row.partner_id].append(row)
    return found


def _worst(trusts: Sequence[models.FederationTrust], now: datetime) -> TrustHealth:
    healths = [
        TrustHealth.QUARANTINED
        if trust.state == TrustState.QUARANTINED
        else TrustHealth(health_of(trust.key_source, now))
        for trust in trusts
    ]
    return max(healths, key=_FROM_BEST_TO_WORST.index, default=TrustHealth.NONE)


def names(ids: Iterable[UUID]) -> dict[UUID, PartnerName]:
    """Slug and name of partners by id; an id that is nobody's is absent. One query."""
    rows = models.Partner.objects.filter(id__in=set(ids)).values("id", "slug", "name")
    return {row["id"]: PartnerName(slug=row["slug"], name=row["name"]) for row in rows}


def ids_of_slug(slug: str) -> tuple[UUID, ...]:
    """The id of the partner of this slug, or nothing. One query."""
    return tuple(models.Partner.objects.filter(slug=slug).values_list("id", flat=True))


def matching_ids(text: str) -> tuple[UUID, ...]:
    """The partners somebody means by a part of a name, or by the id of one of their clients."""
    meant = Q(name__icontains=text) | Q(slug__icontains=text) | Q(clients__client_id=text)
    return tuple(models.Partner.objects.filter(meant).values_list("id", flat=True).distinct()[:SUGGESTIONS])


def states() -> dict[str, int]:
    """How many partners there are in each state that has any."""
    rows = models.Partner.objects.order_by("state").values_list("state")
    return dict(rows.annotate(count=Count("id")))


def suggestions() -> tuple[tuple[PartnerName, ...], tuple[str, ...]]:
    """Partners and audiences to offer in a filter, the first hundred of each. Two queries."""
    rows = models.Partner.objects.order_by("slug").values("slug", "name")[:SUGGESTIONS]
    audiences = models.Target.objects.order_by("audience").values_list("audience", flat=True)[:SUGGESTIONS]
    return tuple(PartnerName(slug=row["slug"], name=row["name"]) for row in rows), tuple(audiences)
