"""Partners that the browser tests may change, each by tests of its own, which run in any order."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.utils import timezone

from exchange.alerts import AlertKind
from exchange.models import Alert
from partners import models
from portal.models import Proposal, User
from tests import world as worlds
from tests.e2e import links
from tests.portal import organisation as organisations
from tests.signers import Signer, make_key

if TYPE_CHECKING:
    from partners.models import FederationTrust

TERN: Final = "tern"
PLOVER: Final = "plover"
ISSUER: Final = "https://idp.tern.example"
DUNLIN: Final = "dunlin"
"""Its forms are sent without script."""

AVOCET: Final = "avocet"
PROPOSAL: Final = UUID("0199e0c4-7c1e-7a40-a940-5b0e1f2391d5")
RULES: Final = [{"claim": "tier", "operator": "equals", "value": "gold"}]
TOGETHER: Final = ("Linnet Media", "Siskin Foods")


def build() -> None:
    """Write them, and the links of ``tests.e2e.links``, into the database in use."""
    links.build()
    for name in ("Plover Insurance", "Avocet Hotels", *TOGETHER):
        organisations.partner(name.partition(" ")[0].lower(), name=name)
    _tern()
    _dunlin()


def _tern() -> None:
    tern = organisations.partner(TERN, name="Tern Freight", contact_email="it@tern.example")
    asked = {"introspection_endpoint": f"{ISSUER}/introspect", "introspection_client_id": "handover"}
    trust = worlds.add_trust(tern, Signer(ISSUER, make_key("ES256")), name="tern-idp", rules=RULES, **asked)
    worlds.add_client(tern, "tern-booking", secret=secrets.token_urlsafe(32), scopes=["ledger.read"])
    _versions(trust)
    mei = User.objects.create_user("mei@tern.example", name="Mei Lindqvist")
    Proposal.objects.create(id=PROPOSAL, partner=tern, trust="tern-idp", fields={"issuer": ISSUER}, author=mei)
    _alert(trust)


def _dunlin() -> None:
    dunlin = organisations.partner(DUNLIN, name="Dunlin Press", contact_email="it@dunlin.example")
    signer = Signer("https://idp.dunlin.example", make_key("ES256"))
    trust = worlds.add_trust(dunlin, signer, name="dunlin-idp", rules=RULES)
    for name in ("dunlin-changed", "dunlin-suspended", "dunlin-rotated"):
        worlds.add_client(dunlin, name, secret=secrets.token_urlsafe(32), scopes=["ledger.read"])
    ledger = models.Target.objects.get(name="ledger-api")
    for name in ("published", "shadowed", "tested", "withdrawn"):
        worlds.add_mapping(trust, ledger, name, author="sara.haddad@meridian.example")
        if name != "withdrawn":
            worlds.add_mapping(trust, ledger, name, author="ada@meridian.example", version=2, state="draft")
    _alert(trust)


def _alert(trust: FederationTrust) -> None:
    detail = {"kid": "t-2", "kind": "EC P-256"}
    about = {"partner": trust.partner, "trust": trust, "subject": "t-2", "detail": detail}
    Alert.objects.create(**about, kind=AlertKind.KEY_ADDED, raised_at=timezone.now())


def _versions(trust: FederationTrust) -> None:
    ledger = models.Target.objects.get(name="ledger-api")
    shared: dict[str, Any] = {"author": "sara.haddad@meridian.example", "grants": {}}
    worlds.add_mapping(trust, ledger, "freight", **shared, state="superseded", allows_impersonation=True)
    worlds.add_mapping(trust, ledger, "freight", **shared, version=2)
