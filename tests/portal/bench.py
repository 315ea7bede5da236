"""A small organisation to try tokens against: one partner, two trusts, two clients, and one client of our own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from django.conf import settings

from audit.events import SYSTEM
from exchange import keys
from partners import models
from partners.changes import changing
from tests import world as worlds
from tests.signers import Signer, make_key


@dataclass(frozen=True)
class Bench:
    """Who signs, and for whom the tokens are."""

    issuer: str
    idp: Signer
    once: Signer
    """One-time tokens."""


_key = cache(make_key)


def build() -> Bench:
    """Write it into the database in use."""
    bench = Bench(
        settings.HANDOVER.issuer,
        Signer("https://idp.kestrel.example", _key("ES256")),
        Signer("https://once.kestrel.example", _key("Ed25519")),
    )
    keys.ensure_signing_key()
    with changing(SYSTEM) as change:
        change.touch_catalogue()
        ledger = models.Target.objects.create(name="ledger", audience=worlds.LEDGER, lifetime=timedelta(minutes=5))
        for scope in ("ledger.read", "ledger.write"):
            models.Scope.objects.create(target=ledger, name=scope, description=scope)
        kestrel = models.Partner.objects.create(slug="kestrel", name="Kestrel", state="active")
        change.touch(kestrel.id)
        for name, signer, fields in (("ledger", bench.idp, {}), ("once", bench.once, {"one_time": True})):
            trust = worlds.add_trust(kestrel, signer, name=name, **fields)
            worlds.add_mapping(trust, ledger, name, allows_impersonation=True)
        worlds.add_client(kestrel, "kestrel-batch", secret="s" * 43)
        worlds.add_client(None, "ledger-service", secret="s" * 43)
    return bench
