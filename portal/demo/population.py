"""What an installation has after years, to measure pages with: partners, mappings, exchanges and other audit events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from django.conf import settings

from audit import events, partitions, spans
from audit.bulk import record_past
from partners import population
from partners.changes import changing
from policy.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from audit.bulk import Past
    from audit.events import Actor, Event
    from partners.population import BulkPartner

AUTHOR: Final = events.Actor(events.ActorKind.SYSTEM, "population")
DAYS: Final = 90
TARGETS: Final = 12
REFUSED_OF_HUNDRED: Final = 4
_REASONS: Final = (Reason.TOKEN_EXPIRED, Reason.SCOPE_NOT_GRANTED, Reason.MAPPING_RULE_UNMET, Reason.TARGET_NOT_MAPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is made. ``events`` counts the exchanges too."""

    partners: int
    mappings: int
    exchanges: int
    events: int


def populate(size: Size, now: datetime) -> int:
    """Add it all, beside what is there; how many events. Raises ``ValueError`` where it was done before."""
    since = now - timedelta(days=DAYS)
    partitions.extend(settings.HANDOVER.database_owner_url, now=since)
    with changing(AUTHOR) as change:
        added = population.fill(change, partners=size.partners, mappings=size.mappings, targets=TARGETS)
        change.record(events.ConfigurationApplied(data={"object": "population", "change": "added", "name": "bulk"}))
    random = Random(size.events)  # noqa: S311 - chance for a measurement, not for a secret
    count = record_past(_past(added, size, since, random), random)
    spans.count_spans(now)
    return count


def _past(partners: tuple[BulkPartner, ...], size: Size, since: datetime, random: Random) -> Iterator[Past]:
    """Evenly over the time; a few partners have most of the exchanges, as everywhere."""
    step = timedelta(days=DAYS) / max(size.events, 1)
    for number in range(size.events):
        partner = partners[int(len(partners) * random.random() ** 3)]
        is_exchange = number * size.exchanges // size.events != (number + 1) * size.exchanges // size.events
        yield since + step * number, *(_exchange(partner, random) if is_exchange else _other(partner))


def _other(partner: BulkPartner) -> tuple[Event, Actor]:
    """A question about a token, answered with no: the most frequent event that is no exchange."""
    data: dict[str, events.JSON] = {"request": {"grant_type": ""}, "steps": [], "demo": True}
    event = events.TokenIntrospected(
        partner_id=partner.id,
        partner=partner.slug,
        client=partner.client_id,
        reason=Reason.TOKEN_EXPIRED,
        data=data,
    )
    return event, events.Actor(events.ActorKind.CLIENT, partner.client_id)


def _exchange(partner: BulkPartner, random: Random) -> tuple[Event, Actor]:
    audience = population.audience(random.randrange(TARGETS))
    is_refused = random.randrange(100) < REFUSED_OF_HUNDRED
    kind = events.ExchangeRefused if is_refused else events.ExchangeGranted
    event = kind(
        partner_id=partner.id,
        partner=partner.slug,
        client=partner.client_id,
        target=audience,
        reason=random.choice(_REASONS) if is_refused else "",
        data=_data(partner, audience, is_refused=is_refused, random=random),
    )
    return event, events.Actor(events.ActorKind.CLIENT, partner.client_id)


def _data(partner: BulkPartner, audience: str, *, is_refused: bool, random: Random) -> dict[str, events.JSON]:
    """The members that pages read, of about the length that live ones have."""
    subject = f"user-{random.randrange(500)}"
    claims: dict[str, events.JSON] = {"iss": partner.issuer, "sub": subject, "scope": "use", "tier": "tier-0"}
    data: dict[str, events.JSON] = {
        "demo": True,
        "micros": random.randrange(700, 4000),
        "request": {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "audience": [audience]},
        "credentials": {"client_id": partner.client_id, "method": "private_key_jwt"},
        "subject": {"issuer": partner.issuer, "subject": subject, "alg": "ES256", "kid": "bulk-1", "claims": claims},
        "steps": [["client", "passed", "private_key_jwt", partner.client_id], ["issuer", "passed", "login", "-"]],
    }
    if is_refused:
        return data | {"error": "invalid_request", "status": 400}
    token: dict[str, events.JSON] = {"sub": f"partner:{partner.slug}:{subject}", "aud": [audience]}
    name = random.choice(partner.mappings) if partner.mappings else ""
    return data | {"token": token | {"scope": ["bulk:read"]}, "mappings": [{"name": name, "version": 1}]}
