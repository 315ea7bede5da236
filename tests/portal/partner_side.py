"""A partner whose own admin is signed in, beside another partner that is none of their business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from audit.events import SYSTEM
from exchange import keys
from partners import models
from partners.changes import changing
from portal.models import DomainProof, PartnerAdmin, Proposal, User
from portal.roles import Role
from tests import world as worlds
from tests.portal import happenings
from tests.portal import organisation as organisations
from tests.portal.conftest import prove
from tests.signers import Signer, make_key, public_jwks

MEI = "mei@kestrel.example"
_key = cache(make_key)


@dataclass
class Sides:
    """Both partners, what is theirs, and the browser of the first one's admin."""

    kestrel: models.Partner
    fjord: models.Partner
    idp: Signer
    browser: Client
    mine: dict[str, str]
    theirs: dict[str, str]

    @property
    def token(self) -> str:
        """A token of the first one's issuer that is for us."""
        return self.idp.subject_token(settings.HANDOVER.issuer)


def build(*, state: str = "configuring") -> Sides:
    """Write them into the database in use."""
    keys.ensure_signing_key()
    with changing(SYSTEM) as change:
        change.touch_catalogue()
        target = models.Target.objects.create(
            name="sandbox", audience=worlds.LEDGER, lifetime=timedelta(minutes=5), is_test=True
        )
        for scope in ("ledger.read", "ledger.write"):
            models.Scope.objects.create(target=target, name=scope, description=scope)
        kestrel = organisations.partner("kestrel", state=state, contact_email="it@kestrel.example")
        fjord = organisations.partner("fjord")
        for partner in (kestrel, fjord):
            change.touch(partner.id)
            _furnish(partner, target)
    person = User.objects.create_user(MEI)
    person.groups.add(Group.objects.get(name=Role.PARTNER_ADMIN))
    PartnerAdmin.objects.create(user=person, partner=kestrel, domain="kestrel.example")
    DomainProof.objects.create(partner=kestrel, domain="kestrel.example", proved_by=MEI)
    browser = Client()
    browser.force_login(person)
    prove(browser)
    return Sides(kestrel, fjord, _idp("kestrel"), browser, _objects(kestrel, person), _objects(fjord, person))


def _idp(slug: str) -> Signer:
    return Signer(f"https://idp.{slug}.example", _key("ES256"))


def _furnish(partner: models.Partner, target: models.Target) -> None:
    trust = worlds.add_trust(partner, _idp(partner.slug), name=f"{partner.slug}-idp")
    worlds.add_mapping(trust, target, f"{partner.slug}-sandbox", allows_impersonation=True)
    scopes = ["ledger.read", "ledger.write"]
    worlds.add_client(partner, f"{partner.slug}-batch", secret="s" * 43, scopes=scopes)
    worlds.add_client(partner, f"{partner.slug}-keyed", jwks=public_jwks(_key("ES256")), scopes=scopes)


def _objects(partner: models.Partner, author: User) -> dict[str, Any]:
    """One object of each kind, by the names that addresses have."""
    now = timezone.now()
    waiting = Proposal.objects.create(partner=partner, trust=f"{partner.slug}-idp", fields={}, author=author)
    return {
        "name": f"{partner.slug}-idp",
        "client_id": f"{partner.slug}-batch",
        "mapping": f"{partner.slug}-sandbox",
        "reference": str(happenings.refused(partner, at=now - timedelta(minutes=2), client=f"{partner.slug}-batch")),
        "proposal_id": str(waiting.pk),
    }
