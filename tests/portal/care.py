"""What is watched of the organisation under test: an issuer's keys and looks, alerts, canaries, a reminder."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from exchange.alerts import AlertKind
from exchange.models import Alert, SeenKey, TrustWatch
from partners import models
from partners.endings import Span, endings
from portal.models import Canary, Reminder, ReminderLetter

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from partners.models import Partner

THUMBPRINTS = ("mXk3nUfNn8Xz5pQy1sJ0pY2kq1m2l8yT9c0s7aQ4vE0", "9yR7aQ4vE0mXk3nUfNn8Xz5pQy1sJ0pY2kq1m2l8yT9c")


def build(kestrel: Partner, fjord: Partner, reference: UUID, now: datetime) -> None:
    """Write it into the database in use."""
    trust = models.FederationTrust.objects.get(partner=kestrel, name="kestrel-idp")
    _watch(trust, now)
    alerts = {
        AlertKind.KEY_ADDED: (trust, THUMBPRINTS[0], {"kid": "k-31", "kind": "EC P-256"}),
        AlertKind.DORMANT: (None, "", {"last": (now - timedelta(days=40)).isoformat()}),
        AlertKind.CANARY_RED: (None, "kestrel-reports · https://reports.meridian.example", _red(now)),
    }
    for kind, (about, subject, detail) in alerts.items():
        partner = fjord if kind is AlertKind.DORMANT else kestrel
        Alert.objects.create(partner=partner, trust=about, kind=kind, subject=subject, detail=detail, raised_at=now)
    shared = {"partner": kestrel, "reference": reference, "granted_at": now - timedelta(hours=2), "checked_at": now}
    Canary.objects.create(
        **shared, client="kestrel-settlement", target="https://ledger.meridian.example", is_green=True
    )
    Canary.objects.create(
        **shared,
        client="kestrel-reports",
        target="https://reports.meridian.example",
        is_green=False,
        found={"outcome": "refused"},
    )
    _reminder(now)


def _red(now: datetime) -> dict[str, object]:
    found = {"outcome": "refused", "reason": "policy.target_not_mapped"}
    return {"found": found, "expected": "reports.read", "last": (now - timedelta(hours=2)).isoformat()}


def _watch(trust: models.FederationTrust, now: datetime) -> None:
    watch = TrustWatch.objects.create(
        trust=trust,
        partner=trust.partner,
        next_at=now + timedelta(hours=1),
        seen_at=now - timedelta(minutes=20),
        location=trust.key_source.location,
        jwks_uri=trust.key_source.jwks_uri,
        token_endpoint="https://idp.kestrel.example/oauth2/token",
        advertised=["ES256", "RS256"],
        certificate_ends_at=now + timedelta(days=70),
    )
    for thumbprint, kid, gone_at in zip(THUMBPRINTS, ("k-31", "k-30"), (None, now), strict=True):
        first = now - timedelta(days=90)
        SeenKey.objects.create(
            watch=watch,
            thumbprint=thumbprint,
            kid=kid,
            kind="EC P-256",
            strength=128,
            first_seen_at=first,
            last_seen_at=now,
            gone_at=gone_at,
        )
    watch.looks.create(is_whole=True, first_at=now - timedelta(days=2), last_at=now, count=48)


def _reminder(now: datetime) -> None:
    ending = next(one for one in endings(Span(now=now, until=now + timedelta(days=60))) if one.contact)
    letter = ReminderLetter.objects.create(email=ending.contact, audience="contact", day=now.date(), sent_at=now)
    Reminder.objects.create(
        letter=letter,
        thing=ending.thing,
        kind=ending.kind,
        threshold=14,
        ends_on=ending.ends_on,
        ends_at=ending.ends_at,
        email=ending.contact,
        audience="contact",
        partner_id=ending.partner_id,
        partner_slug=ending.partner.slug,
        partner_name=ending.partner.name,
        subject=ending.subject,
    )
