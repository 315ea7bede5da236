"""Finding partners and clients by what somebody types, and whom a typed name of a person can mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from partners import models
from partners.overviews import PartnerName

MOST: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPartner:
    """A partner whose name holds the text."""

    partner: PartnerName
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundClient:
    """A client whose id begins with the text; ``partner`` is None for one of our own."""

    client_id: str
    name: str
    state: str
    partner: PartnerName | None


def partners(text: str) -> tuple[FoundPartner, ...]:
    """Partners by a part of their name, the first of very many. One query."""
    rows = models.Partner.objects.filter(Q(name__icontains=text) | Q(slug__icontains=text)).order_by("slug")
    return tuple(
        FoundPartner(partner=PartnerName(slug=slug, name=name), state=state)
        for slug, name, state in rows.values_list("slug", "name", "state")[:MOST]
    )


def clients(text: str) -> tuple[FoundClient, ...]:
    """Clients by the beginning of their id, exactly as it is spelled. One query, led by the index of the id."""
    rows = models.Client.objects.filter(client_id__startswith=text).select_related("partner").order_by("client_id")
    return tuple(
        FoundClient(
            client_id=row.client_id,
            name=row.name,
            state=row.state,
            partner=PartnerName(slug=row.partner.slug, name=row.partner.name) if row.partner else None,
        )
        for row in rows[:MOST]
    )


def issuers() -> tuple[str, ...]:
    """Every issuer that was ever trusted, each once. One query."""
    return tuple(models.FederationTrust.objects.order_by().values_list("issuer", flat=True).distinct())


def subjects(text: str) -> tuple[str, ...]:
    """How tokens can name this person: as it is typed, and as a subject of each partner. One query.

    The names of RFC 9068 section 5: ``partner:<slug>:<their subject>``.
    """
    if text.startswith(("partner:", "client:", "user:")):
        return (text,)
    slugs = models.Partner.objects.order_by().values_list("slug", flat=True)
    return (text, f"client:{text}", *(f"partner:{slug}:{text}" for slug in slugs))
