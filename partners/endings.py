"""What ends, and when: client secrets, the authorities of client certificates, contracts, and the time to review.

Four sources in one order, by the end and then by the thing itself, so that a list of them is read page by page and
each source by its own index. Access ends by itself at its end; this only says so beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography import x509
from django.db.models import Q

from partners import models
from partners.overviews import PartnerName
from partners.states import ClientState, PartnerState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from django.db.models import QuerySet

PAGE_SIZE: Final = 50
LOOKED_AHEAD: Final = timedelta(days=90)


class Kind(StrEnum):
    """What it is that ends. The order of the words is that of things that end at the same moment."""

    ANCHOR = "anchor"
    CONTRACT = "contract"
    REVIEW = "review"
    SECRET = "secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the list something stands."""

    ends_at: datetime
    kind: Kind
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """One thing that ends. ``subject`` says which; days end at their beginning, which is the careful reading of them.

    ``contact`` and ``owner`` are the addresses of who has to know; empty where there is nobody.
    """

    kind: Kind
    id: UUID
    partner_id: UUID
    partner: PartnerName
    subject: str
    ends_at: datetime
    contact: str
    owner: str

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(ends_at=self.ends_at, kind=self.kind, id=self.id)

    @property
    def thing(self) -> str:
        """What it is, whenever it ends: the name under which reminders know it."""
        return f"{self.kind}:{self.id}"

    @property
    def ends_on(self) -> date:
        """The day on which it ends (UTC)."""
        return self.ends_at.astimezone(UTC).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which endings are asked for: until when, of which partner and kind, from which place on, and how many at most."""

    now: datetime
    until: datetime
    partner_id: UUID | None = None
    kind: Kind | None = None
    after: Place | None = None
    limit: int | None = None


def endings(span: Span) -> tuple[Ending, ...]:
    """What ends in a span, the soonest first. Five queries. What is overdue (a review, a contract) comes before all."""
    kinds = Kind if span.kind is None else (span.kind,)
    found = [ending for kind in kinds for ending in _of_kind(span, kind)]
    found.sort(key=lambda ending: (ending.ends_at, ending.kind, ending.id))
    return tuple(found[: span.limit])


def page(
    now: datetime, after: Place | None = None, *, partner_id: UUID | None = None
) -> tuple[tuple[Ending, ...], bool]:
    """A page of what ends in the next 90 days, of all partners or of one, and whether there is more."""
    until = now + LOOKED_AHEAD
    found = endings(Span(now=now, until=until, partner_id=partner_id, after=after, limit=PAGE_SIZE + 1))
    return found[:PAGE_SIZE], len(found) > PAGE_SIZE


def _of_kind(span: Span, kind: Kind) -> Iterator[Ending]:
    if kind is Kind.SECRET:
        return _secrets(span)
    return _anchors(span) if kind is Kind.ANCHOR else _days(span, kind)


def _secrets(span: Span) -> Iterator[Ending]:
    """Secrets that still open something; one that is over needs no word."""
    rows = models.ClientSecret.objects.filter(expires_at__gt=span.now, expires_at__lte=span.until)
    rows = rows.filter(client__state=ClientState.ACTIVE, client__partner__isnull=False)
    rows = rows.exclude(client__partner__state=PartnerState.OFFBOARDED).filter(_beyond(span, Kind.SECRET, "expires_at"))
    if span.partner_id is not None:
        rows = rows.filter(client__partner=span.partner_id)
    rows = rows.select_related("client__partner__owner").order_by("expires_at", "id")
    for row in rows[: span.limit]:
        if row.client.partner is not None and row.expires_at is not None:
            yield _ending(Kind.SECRET, row.id, row.client.partner, row.client.client_id, row.expires_at)


_DAYS: Final = {Kind.CONTRACT: "contract_ends_on", Kind.REVIEW: "review_due_on"}


def _days(span: Span, kind: Kind) -> Iterator[Ending]:
    column = _DAYS[kind]
    rows = _partners(span).filter(_beyond(span, kind, column), **{f"{column}__lte": span.until.date()})
    for row in rows.select_related("owner").order_by(column, "id")[: span.limit]:
        yield _ending(kind, row.id, row, "", datetime.combine(getattr(row, column), time.min, UTC))


def _anchors(span: Span) -> Iterator[Ending]:
    """Few register authorities, and the texts are read once a process: what ends is asked of the certificates."""
    for row in _partners(span).exclude(trust_anchors="").select_related("owner").order_by("id"):
        yield from _anchor(span, row.id, row, row.trust_anchors)
    clients = models.Client.objects.filter(state=ClientState.ACTIVE, partner__isnull=False).exclude(trust_anchors="")
    clients = clients.exclude(partner__state=PartnerState.OFFBOARDED)
    if span.partner_id is not None:
        clients = clients.filter(partner=span.partner_id)
    for client in clients.select_related("partner__owner").order_by("id"):
        if client.partner is not None:
            yield from _anchor(span, client.id, client.partner, client.trust_anchors)


def _anchor(span: Span, row_id: UUID, partner: models.Partner, text: str) -> Iterator[Ending]:
    """The authority that ends first: after it, the set has to be registered anew anyway."""
    name, ends_at = _first_to_end(text)
    found = _ending(Kind.ANCHOR, row_id, partner, name, ends_at)
    is_beyond = span.after is None or _key(found.place) > _key(span.after)
    if ends_at <= span.until and is_beyond:
        yield found


@lru_cache(maxsize=4096)
def _first_to_end(text: str) -> tuple[str, datetime]:
    certificates = x509.load_pem_x509_certificates(text.encode())
    first = min(certificates, key=lambda certificate: certificate.not_valid_after_utc)
    return first.subject.rfc4514_string(), first.not_valid_after_utc


def _partners(span: Span) -> QuerySet[models.Partner]:
    rows = models.Partner.objects.exclude(state=PartnerState.OFFBOARDED)
    return rows if span.partner_id is None else rows.filter(pk=span.partner_id)


def _beyond(span: Span, kind: Kind, column: str) -> Q:
    """The rows of one source that stand behind the place to go on from."""
    after = span.after
    if after is None:
        return Q()
    end = after.ends_at if kind is Kind.SECRET else after.ends_at.astimezone(UTC).date()
    later = Q(**{f"{column}__gt": end})
    is_midnight = datetime.combine(after.ends_at.astimezone(UTC).date(), time.min, UTC) == after.ends_at
    if kind < after.kind or (kind is not Kind.SECRET and not is_midnight):
        return later
    same = Q(**{column: end})
    return later | (same & Q(id__gt=after.id) if kind is after.kind else same)


def _key(place: Place) -> tuple[datetime, Kind, UUID]:
    return place.ends_at, place.kind, place.id


def _ending(kind: Kind, row_id: UUID, partner: models.Partner, subject: str, ends_at: datetime) -> Ending:
    owner = partner.owner
    return Ending(
        kind=kind,
        id=row_id,
        partner_id=partner.id,
        partner=PartnerName(slug=partner.slug, name=partner.name),
        subject=subject,
        ends_at=ends_at,
        contact=partner.contact_email,
        owner=owner.email if owner is not None and owner.is_active else "",
    )
