"""What somebody should look at: keys and secrets that run out, trusts on hold or without conditions, reviews due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.db.models import Q

from partners import models
from partners.health import KeyHealth, health_of
from partners.overviews import PartnerName
from partners.states import PartnerState, TrustState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

REVIEW_AHEAD: Final = timedelta(days=14)
SECRET_AHEAD: Final = timedelta(days=14)
MOST_OPEN: Final = 20
"""More of one kind would hide the others; the partners' own pages have them all."""


class Concern(StrEnum):
    """Why something needs attention, from the most to the least pressing."""

    KEYS_ENDED = "keys_ended"
    KEYS_ENDING = "keys_ending"
    TRUST_QUARANTINED = "trust_quarantined"
    KEYS_FAILING = "keys_failing"
    SECRET_ENDING = "secret_ending"
    CONTRACT_ENDING = "contract_ending"
    TRUST_UNCONDITIONAL = "trust_unconditional"
    REVIEW_DUE = "review_due"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """One thing that somebody should look at, and by when."""

    concern: Concern
    partner: PartnerName
    subject: str
    due: datetime | date | None


def attention(now: datetime) -> tuple[Attention, ...]:
    """What needs attention, the most pressing first. Four queries."""
    found = [*_key_concerns(now), *_secret_concerns(now), *_open_trusts(), *_day_concerns(now)]
    order = tuple(Concern)
    return tuple(sorted(found, key=lambda item: (order.index(item.concern), item.partner.name.lower(), item.subject)))


_LIVE: Final = (PartnerState.ACTIVE, PartnerState.TESTED)
_KEY_CONCERNS: Final = {
    KeyHealth.ENDED: Concern.KEYS_ENDED,
    KeyHealth.ENDING: Concern.KEYS_ENDING,
    KeyHealth.FAILING: Concern.KEYS_FAILING,
}


def _key_concerns(now: datetime) -> Iterator[Attention]:
    troubled = Q(failures__gt=0) | Q(usable_until__lte=now) | Q(trust__state=TrustState.QUARANTINED)
    rows = models.KeySource.objects.filter(troubled, partner__state__in=_LIVE)
    rows = rows.exclude(trust__state=TrustState.WITHDRAWN)
    for row in rows.select_related("partner", "trust", "client").defer("jwks"):
        trust = getattr(row, "trust", None)
        if trust is not None and trust.state == TrustState.QUARANTINED:
            concern: Concern | None = Concern.TRUST_QUARANTINED
        else:
            concern = _KEY_CONCERNS.get(health_of(row, now))
        if concern is not None and row.partner is not None:
            subject = trust.issuer if trust is not None else row.location
            yield Attention(concern=concern, partner=_name(row.partner), subject=subject, due=row.usable_until)


def _secret_concerns(now: datetime) -> Iterator[Attention]:
    rows = models.ClientSecret.objects.filter(expires_at__range=(now, now + SECRET_AHEAD))
    for row in rows.filter(client__partner__state__in=_LIVE).select_related("client__partner"):
        if row.client.partner is not None:
            yield Attention(
                concern=Concern.SECRET_ENDING,
                partner=_name(row.client.partner),
                subject=row.client.client_id,
                due=row.expires_at,
            )


def _open_trusts() -> Iterator[Attention]:
    """Trusts that take whatever their issuer signs for us (``policy.lint.Fault.AUDIENCE_ONLY``)."""
    rows = models.FederationTrust.objects.filter(state=TrustState.ACTIVE, rules=[], partner__state__in=_LIVE)
    shown = rows.select_related("partner").only("issuer", "partner__slug", "partner__name")
    for row in shown.order_by("partner__slug")[:MOST_OPEN]:
        yield Attention(concern=Concern.TRUST_UNCONDITIONAL, partner=_name(row.partner), subject=row.issuer, due=None)


def _day_concerns(now: datetime) -> Iterator[Attention]:
    soon = (now + REVIEW_AHEAD).date()
    near = Q(review_due_on__lte=soon) | Q(contract_ends_on__lte=soon)
    for row in models.Partner.objects.filter(near, state__in=_LIVE).order_by("review_due_on", "contract_ends_on"):
        days = {Concern.CONTRACT_ENDING: row.contract_ends_on, Concern.REVIEW_DUE: row.review_due_on}
        for concern, due in days.items():
            if due is not None and due <= soon:
                yield Attention(concern=concern, partner=_name(row), subject="", due=due)


def _name(row: models.Partner) -> PartnerName:
    return PartnerName(slug=row.slug, name=row.name)
