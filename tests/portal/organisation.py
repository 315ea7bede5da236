"""An organisation for the pages under test: two busy partners, one suspended, one that is new, people of each role."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.utils import timezone

from partners import models
from portal.models import PartnerAdmin, User
from portal.roles import Role
from tests.portal import care, happenings
from tests.signers import make_key, public_jwks

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

PASSWORD = "correct horse battery staple"


@dataclass
class Organisation:
    """What the tests need to know of it."""

    kestrel: models.Partner
    fjord: models.Partner
    granted: UUID
    refused: UUID
    failed: UUID
    unauthenticated: UUID
    people: dict[Role, User] = field(default_factory=dict)


_key = cache(make_key)


def person(role: Role | None, email: str = "", name: str = "") -> User:
    """Somebody who can sign in, with one role or none."""
    email = email or f"{(role or 'nobody').replace(' ', '.').replace(chr(39), '').lower()}@meridian.example"
    user = User.objects.create_user(email, PASSWORD, name=name)
    if role is not None:
        user.groups.add(Group.objects.get(name=role))
    if role is Role.PARTNER_ADMIN:
        kestrel = models.Partner.objects.filter(slug="kestrel").first() or partner("kestrel")
        PartnerAdmin.objects.create(user=user, partner=kestrel, domain="kestrel.example")
    return user


def partner(slug: str, **fields: Any) -> models.Partner:
    """A partner without anything yet."""
    return models.Partner.objects.create(**{"slug": slug, "name": slug.title(), "state": "active"} | fields)


def build(now: datetime | None = None) -> Organisation:
    """Write it into the database in use."""
    now = now or timezone.now()
    sara = person(Role.PARTNER_MANAGER, name="Sara Haddad")
    ledger, reports = _targets()
    kestrel = partner(
        "kestrel",
        name="Kestrel Payments",
        owner=sara,
        contact_email="it@kestrel.example",
        default_target=ledger,
        purpose="Settles card payments into our ledger.",
        review_due_on=(now + timedelta(days=90)).date(),
    )
    fjord = partner("fjord", name="Fjord Analytics", review_due_on=(now - timedelta(days=3)).date())
    partner("alder", name="Alder Health", state="suspended")
    partner("orbit", name="Orbit Travel", state="draft")
    _trust(kestrel, ledger, reports, now)
    _failing_trust(fjord, now)
    _clients(kestrel, now)
    with happenings.together():
        organisation = _exchanges(kestrel, fjord, now)
    care.build(kestrel, fjord, organisation.granted, now)
    organisation.people = {role: person(role, name=role) for role in Role if role is not Role.PARTNER_MANAGER}
    organisation.people[Role.PARTNER_MANAGER] = sara
    return organisation


def _targets() -> tuple[models.Target, models.Target]:
    ledger = models.Target.objects.create(name="ledger-api", title="Ledger", audience=happenings.LEDGER)
    reports = models.Target.objects.create(name="reports-api", audience="https://reports.meridian.example")
    for name in ("ledger.read", "ledger.write", "ledger.admin"):
        models.Scope.objects.create(target=ledger, name=name, description=name)
    models.Scope.objects.create(target=reports, name="reports.read", description="reports.read")
    return ledger, reports


def _trust(kestrel: models.Partner, ledger: models.Target, reports: models.Target, now: datetime) -> None:
    keys = public_jwks(_key("ES256"))["keys"] + public_jwks(_key("RS256"))["keys"]
    source = models.KeySource.objects.create(
        partner=kestrel,
        method="discovery",
        location="https://idp.kestrel.example",
        jwks={"keys": keys},
        jwks_uri="https://idp.kestrel.example/oauth2/keys",
        fetched_at=now - timedelta(minutes=12),
        next_fetch_at=now + timedelta(hours=4),
        usable_until=now + timedelta(hours=23),
    )
    trust = models.FederationTrust.objects.create(
        partner=kestrel,
        name="kestrel-idp",
        issuer="https://idp.kestrel.example",
        key_source=source,
        audiences=["https://handover.meridian.example"],
        token_types=[happenings.ACCESS_TOKEN],
        algorithms=["ES256", "RS256"],
        rules=[{"claim": "tier", "operator": "one_of", "value": ["gold", "silver"]}],
    )
    shared: dict[str, Any] = {"partner": kestrel, "trust": trust, "author": "sara.haddad@meridian.example"}
    for version, state in ((1, "superseded"), (2, "superseded"), (3, "published")):
        models.ScopeMapping.objects.create(
            **shared,
            name="settle",
            version=version,
            state=state,
            target=ledger,
            allows_impersonation=True,
            rules=[{"claim": "tier", "operator": "equals", "value": "gold"}],
            always=["ledger.read"],
            grants={"settle:write": ["ledger.read", "ledger.write"]},
            max_depth=2,
        )
    models.ScopeMapping.objects.create(
        **shared,
        name="reports",
        version=1,
        state="published",
        target=reports,
        clients=["kestrel-reports"],
        condition="claims.level > 2",
        grants={"reports:read": ["reports.read"]},
        scopes_expression="claims.roles.map(r, string(r))",
        claims={"department": "claims.unit.lowerAscii()"},
        lifetime=timedelta(minutes=15),
    )
    models.ScopeMapping.objects.create(**shared, name="disputes", version=1, state="withdrawn", target=reports)


def _failing_trust(fjord: models.Partner, now: datetime) -> None:
    source = models.KeySource.objects.create(
        partner=fjord,
        method="jwks_uri",
        location="https://login.fjord.example/keys",
        failures=4,
        jwks=public_jwks(_key("ES256")),
        fetched_at=now - timedelta(hours=19),
        next_fetch_at=now + timedelta(hours=4),
        usable_until=now + timedelta(hours=5),
        last_error="No answer from login.fjord.example in 5 seconds.",
    )
    models.FederationTrust.objects.create(
        partner=fjord,
        name="fjord-login",
        issuer="https://login.fjord.example",
        key_source=source,
        token_types=[happenings.ACCESS_TOKEN],
        algorithms=["ES256"],
    )


def _clients(kestrel: models.Partner, now: datetime) -> None:
    shared: dict[str, Any] = {
        "partner": kestrel,
        "client_type": "confidential",
        "authorization_grant_type": "client-credentials",
        "grant_types": [happenings.TOKEN_EXCHANGE],
    }
    settlement = models.Client.objects.create(
        **shared,
        client_id="kestrel-settlement",
        name="Settlement service",
        methods=["client_secret_basic"],
        scopes=["ledger.read", "ledger.write"],
        certificate_name_kind="san_uri",
        certificate_name="spiffe://kestrel.example/settlement",
        dpop_bound_access_tokens=True,
    )
    for slot, expires_at in ((1, now + timedelta(days=9)), (2, None)):
        models.ClientSecret.objects.create(
            client=settlement, slot=slot, kek_id="0" * 16, digest=b"\0" * 32, expires_at=expires_at
        )
    source = models.KeySource.objects.create(partner=kestrel, method="uploaded", jwks=public_jwks(_key("ES256")))
    models.Client.objects.create(
        **shared, client_id="kestrel-reports", methods=["private_key_jwt"], scopes=["reports.read"], key_source=source
    )
    models.Client.objects.create(**shared, client_id="kestrel-old", methods=["client_secret_post"], state="suspended")


def _exchanges(kestrel: models.Partner, fjord: models.Partner, now: datetime) -> Organisation:
    """A day of traffic, a little more by day than by night, and one fault of ours."""
    happenings.changed(kestrel, at=now - timedelta(hours=30))
    for hour in range(23, 0, -1):
        at = now - timedelta(hours=hour)
        for number in range(2 + (12 - abs(hour - 12)) // 2):
            happenings.granted(kestrel, at=at + timedelta(minutes=number))
        if hour % 3 == 0:
            happenings.refused(kestrel, at=at + timedelta(minutes=20))
        if hour % 5 == 0:
            happenings.refused(
                fjord,
                at=at + timedelta(minutes=30),
                client="fjord-nightly",
                reason="token.expired",
                error="invalid_request",
                steps=[["subject_token", "refused", "exp after 2026-03-17T13:00:00Z", "2026-03-17T12:48:11Z"]],
            )
    return Organisation(
        kestrel=kestrel,
        fjord=fjord,
        failed=happenings.refused(
            kestrel,
            at=now - timedelta(minutes=9),
            reason="server.ledger_unavailable",
            steps=[],
            status=503,
            error="temporarily_unavailable",
        ),
        unauthenticated=happenings.unauthenticated(at=now - timedelta(minutes=4)),
        refused=happenings.refused(kestrel, at=now - timedelta(minutes=2)),
        granted=happenings.granted(kestrel, at=now - timedelta(minutes=1)),
    )
