"""Alerts about partners: raised once per change, ended when what they tell of is over, acknowledged by a person.

What an issuer changed (a key, an address, an algorithm: RFC 8725 section 3.1, RFC 9700 section 4.4) stays open until
somebody said that they saw it. What lasts (no answer, an ending certificate, a red canary) ends by itself; having seen
it only takes it off the overview. Each step is an event in the trail of the partner.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _

from audit import services as audit
from audit.care_events import AlertAcknowledged, AlertEnded, AlertRaised
from audit.events import SYSTEM
from exchange.models import Alert
from partners.errors import IllegalTransition

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from audit.events import Actor, Event
    from partners.changes import Change

SHOWN: Final = 50
OPEN_SHOWN: Final = 20
MAX_SUBJECT: Final = 512


class AlertKind(StrEnum):
    """What an alert tells of, from the most to the least pressing."""

    CANARY_RED = "canary_red"
    UNREACHABLE = "unreachable"
    CERTIFICATE_ENDS = "certificate_ends"
    WEAKER_KEY = "weaker_key"
    WEAK_KEY = "weak_key"
    WEAKER_ALGORITHM = "weaker_algorithm"
    JWKS_URI_CHANGED = "jwks_uri_changed"
    TOKEN_ENDPOINT_MOVED = "token_endpoint_moved"
    CLOCK_AHEAD = "clock_ahead"
    KEY_VANISHED = "key_vanished"
    KEY_ADDED = "key_added"
    DORMANT = "dormant"


LASTING: Final = frozenset(
    {
        AlertKind.CANARY_RED,
        AlertKind.UNREACHABLE,
        AlertKind.CERTIFICATE_ENDS,
        AlertKind.WEAK_KEY,
        AlertKind.CLOCK_AHEAD,
        AlertKind.DORMANT,
    }
)
"""Those that are a state of things. The others are changes, which are over as soon as they happened."""


class AlreadySeen(IllegalTransition):
    """Somebody acknowledged this alert before, or it is over. The message says who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """Whom an alert is about. ``trust`` is None for the whole partner."""

    partner_id: UUID
    partner: str
    trust: UUID | None = None
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """Something that was noticed. ``detail`` holds texts and numbers for the words of it."""

    kind: AlertKind
    subject: str = ""
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which alerts somebody lists; None asks nothing. ``partners`` are ids."""

    partners: Collection[UUID] | None = None
    kind: str = ""
    is_over: bool | None = None
    is_seen: bool | None = None


def settle(about: Concerned, noticed: Iterable[Noticed], kinds: Iterable[AlertKind], now: datetime) -> None:
    """Raise what is new among ``noticed``; end open lasting alerts of ``kinds`` that are no longer noticed.

    In the caller's transaction, which holds a row that nobody else settles under.
    """
    rows = Alert.objects.filter(partner=about.partner_id, trust=about.trust, ended_at=None)
    open_ones = {(row.kind, row.subject): row for row in rows}
    found = {(str(one.kind), one.subject[:MAX_SUBJECT]): one for one in noticed}
    for key in sorted(found.keys() - open_ones.keys()):
        _raise(about, found[key], key[1], now)
    for key in found.keys() & open_ones.keys():
        if open_ones[key].detail != found[key].detail:
            Alert.objects.filter(pk=open_ones[key].pk).update(detail=dict(found[key].detail))
    for key in sorted(open_ones.keys() - found.keys()):
        if AlertKind(key[0]) in LASTING.intersection(kinds):
            _end(about, open_ones[key], now)


def end_all(partner_id: UUID, trusts: Iterable[UUID], now: datetime) -> None:
    """Nothing of these trusts is watched any more: their alerts are over."""
    Alert.objects.filter(partner=partner_id, trust__in=list(trusts), ended_at=None).update(ended_at=now)


def end_of_partner(partner_id: UUID, kind: AlertKind, now: datetime) -> None:
    """Nothing of this kind is looked for at this partner any more."""
    Alert.objects.filter(partner=partner_id, kind=kind, ended_at=None).update(ended_at=now)


def acknowledge(change: Change, partner_id: UUID, alert_id: UUID, now: datetime) -> Alert:
    """Somebody saw it. A change is over by that; what lasts stays open. Raises ``AlreadySeen``."""
    rows = Alert.objects.select_for_update(of=("self",)).select_related("partner", "trust")
    row = rows.filter(pk=alert_id, partner=partner_id).first()
    if row is None:
        raise AlreadySeen(_("This alert is gone: it was over for long. Nothing is left to do."))
    if row.acknowledged_at is not None:
        words = _("%(who)s acknowledged this alert before you. Nothing is left to do.")
        raise AlreadySeen(words % {"who": row.acknowledged_by})
    row.acknowledged_at, row.acknowledged_by = now, change.actor.name[:254]
    if row.ended_at is None and row.kind not in LASTING:
        row.ended_at = now
    row.save(update_fields=["acknowledged_at", "acknowledged_by", "ended_at"])
    about = Concerned(partner_id=row.partner_id, partner=row.partner.slug, issuer=row.trust.issuer if row.trust else "")
    change.record(_event(AlertAcknowledged, about, row))
    return row


def of_partner(partner_id: UUID) -> tuple[Alert, ...]:
    """The alerts of one partner, open or not, newest first. Read by ``alert_by_partner``."""
    rows = Alert.objects.filter(partner=partner_id).select_related("partner", "trust").order_by("-id")
    return tuple(rows[:SHOWN])


def listed(wanted: Wanted, *, before: UUID | None = None, size: int = SHOWN) -> tuple[Alert, ...]:
    """Those that are wanted, newest first, older than one of them. One query, in the order of the ids."""
    rows = Alert.objects.select_related("partner", "trust").order_by("-id")
    given = {
        "partner__in": wanted.partners,
        "kind": wanted.kind or None,
        "ended_at__isnull": None if wanted.is_over is None else not wanted.is_over,
        "acknowledged_at__isnull": None if wanted.is_seen is None else not wanted.is_seen,
        "id__lt": before,
    }
    rows = rows.filter(**{name: value for name, value in given.items() if value is not None})
    return tuple(rows[:size])


def find(alert_id: UUID) -> Alert | None:
    """One alert of anybody, or None."""
    return Alert.objects.filter(pk=alert_id).select_related("partner", "trust").first()


def unseen() -> tuple[Alert, ...]:
    """The newest open alerts nobody acknowledged, one a partner: its most pressing. Led by ``alert_that_is_new``."""
    rows = Alert.objects.filter(ended_at=None, acknowledged_at=None).select_related("partner", "trust").order_by("-id")
    order, worst = tuple(AlertKind), dict[Any, Alert]()
    for row in rows[: OPEN_SHOWN * 10]:
        known = worst.get(row.partner_id)
        if known is None or order.index(AlertKind(row.kind)) < order.index(AlertKind(known.kind)):
            worst[row.partner_id] = row
    pressing = sorted(worst.values(), key=lambda row: order.index(AlertKind(row.kind)))
    return tuple(pressing[:OPEN_SHOWN])


def sweep(before: datetime) -> None:
    """Delete alerts that were over before an instant: the trail has them. Idempotent."""
    Alert.objects.filter(ended_at__lt=before).delete()


def _raise(about: Concerned, noticed: Noticed, subject: str, now: datetime) -> None:
    row = Alert.objects.create(
        partner_id=about.partner_id,
        trust_id=about.trust,
        kind=noticed.kind,
        subject=subject,
        detail=dict(noticed.detail),
        raised_at=now,
    )
    _record(_event(AlertRaised, about, row), SYSTEM)


def _end(about: Concerned, row: Alert, now: datetime) -> None:
    Alert.objects.filter(pk=row.pk).update(ended_at=now)
    _record(_event(AlertEnded, about, row), SYSTEM)


def _event(kind: type[Event], about: Concerned, row: Alert) -> Event:
    data: dict[str, Any] = {"name": row.kind.replace("_", " "), "alert": row.kind, "subject": row.subject}
    data |= {"issuer": about.issuer, "detail": row.detail}
    return kind(partner_id=about.partner_id, partner=about.partner, data=data)


def _record(event: Event, actor: Actor) -> None:
    audit.record(event, actor)
