"""A second organisation for exchange tests: partner heron, whose trusts differ in what they allow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from exchange.protocol.request import JWT_BEARER
from partners import models
from tests import world as worlds
from tests.signers import Key, Signer, make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from partners.changes import Change

LOGIN_AUDIENCE = "heron-portal"
"""What heron's login service names in its ID tokens: the id that our client has there."""

CLOSED = "https://closed.meridian.example"
"""A target that is registered and not active."""

ANYBODY: dict[str, Any] = {"rules": [], "default_scopes": ["ledger.read"]}


ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "ES512", "Ed25519")


@dataclass
class Heron:
    """Who signs for heron. Its client ``heron-gateway`` has the secret of the world; the others have keys."""

    people: Signer = field(default_factory=lambda: Signer("https://people.heron.example"))
    """Delegation required, chains of up to four; may_act and act together are refused."""
    services: Signer = field(default_factory=lambda: Signer("https://services.heron.example"))
    """Chains of one; impersonation allowed."""
    robots: Signer = field(default_factory=lambda: Signer("https://robots.heron.example"))
    """Its tokens may be presented as actor by any client of heron."""
    once: Signer = field(default_factory=lambda: Signer("https://once.heron.example"))
    """One-time tokens."""
    other_once: Signer = field(default_factory=lambda: Signer("https://other-once.heron.example"))
    """One-time tokens of another issuer."""
    keeping: Signer = field(default_factory=lambda: Signer("https://keeping.heron.example"))
    """Assertions that may come again."""
    login: Signer = field(default_factory=lambda: Signer("https://login.heron.example"))
    """ID tokens only, for the audience ``heron-portal``."""
    strict: Signer = field(default_factory=lambda: Signer("https://strict.heron.example"))
    """A rule of the trust: tier is gold; and a condition of its mapping: team is a list that holds blue."""
    paused: Signer = field(default_factory=lambda: Signer("https://paused.heron.example"))
    """A trust in quarantine."""
    drafted: Signer = field(default_factory=lambda: Signer("https://drafted.heron.example"))
    """A trust whose one mapping is a draft."""
    stale: Signer = field(default_factory=lambda: Signer("https://stale.heron.example"))
    """A trust whose keys are too old to be believed."""
    gateway: Signer = field(default_factory=lambda: Signer("heron-gateway"))
    legacy: Signer = field(default_factory=lambda: Signer("heron-legacy"))
    """May name the token endpoint as the audience of its assertions."""
    keys: dict[str, Key] = field(default_factory=lambda: {alg: make_key(alg) for alg in ALGORITHMS})
    """One key per algorithm, all of one issuer."""

    @property
    def many(self) -> Signer:
        """The issuer that signs with every algorithm there is."""
        return Signer("https://many.heron.example", self.keys["ES256"])


def build(change: Change, targets: Mapping[str, models.Target], secret: str) -> Heron:
    """Write heron into the database in use."""
    heron, ledger = Heron(), targets["ledger"]
    partner = models.Partner.objects.create(slug="heron", name="Heron", state="active", default_target=ledger)
    change.touch(partner.id)
    people = worlds.add_trust(partner, heron.people, name="people", max_depth=4)
    worlds.add_mapping(people, ledger, "people", max_depth=4, **ANYBODY)
    trusts: list[tuple[str, Signer, dict[str, Any]]] = [
        ("services", heron.services, {"max_depth": 1}),
        ("robots", heron.robots, {"max_depth": 4, "accepts_actors": True}),
        ("once", heron.once, {"one_time": True}),
        ("other-once", heron.other_once, {"one_time": True}),
        ("keeping", heron.keeping, {"reusable_assertions": True}),
        ("login", heron.login, {"token_types": [worlds.ID_TOKEN], "audiences": [LOGIN_AUDIENCE]}),
    ]
    for name, signer, fields in trusts:
        trust = worlds.add_trust(partner, signer, name=name, **fields)
        worlds.add_mapping(trust, ledger, name, allows_impersonation=True, **ANYBODY)
    _out_of_force(partner, heron, ledger)
    _strict(partner, heron.strict, ledger)
    _many(partner, heron, ledger)
    clients: dict[str, Any] = {"secret": secret, "jwks": public_jwks(heron.gateway.key)}
    worlds.add_client(partner, "heron-gateway", **clients)
    legacy = public_jwks(heron.legacy.key)
    worlds.add_client(partner, "heron-legacy", jwks=legacy, accepts_endpoint_audience=True)
    worlds.add_client(partner, "heron-grants", secret=secret, grant_types=[JWT_BEARER])
    worlds.add_client(partner, "heron-keyless", methods=["private_key_jwt"])
    worlds.add_client(partner, "heron-noscope", secret=secret, scopes=[])
    worlds.add_client(partner, "heron-public", secret=secret, client_type="public")
    two = worlds.add_client(partner, "heron-two", secret=secret)
    worlds.add_secret(two, f"{secret}-new", slot=2, expires_at=datetime.now(UTC) + timedelta(days=1))
    rotated = worlds.add_client(partner, "heron-rotated", secret=secret)
    worlds.add_secret(rotated, f"{secret}-old", slot=2, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    worlds.add_client(partner, "heron-header", secret=secret, methods=["client_secret_basic"])
    return heron


def _out_of_force(partner: models.Partner, heron: Heron, ledger: models.Target) -> None:
    for name, signer, fields, state in (
        ("paused", heron.paused, {"state": "quarantined"}, "published"),
        ("drafted", heron.drafted, {}, "draft"),
        ("stale", heron.stale, {}, "published"),
    ):
        trust = worlds.add_trust(partner, signer, name=name, **fields)
        worlds.add_mapping(trust, ledger, name, allows_impersonation=True, state=state, **ANYBODY)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    models.KeySource.objects.filter(trust__issuer=heron.stale.issuer).update(usable_until=long_ago)
    models.Target.objects.create(name="closed", audience=CLOSED, is_active=False)


def _strict(partner: models.Partner, signer: Signer, ledger: models.Target) -> None:
    gold = [{"claim": "tier", "operator": "equals", "value": "gold"}]
    blue = [{"claim": "team", "operator": "contains", "value": "blue"}]
    trust = worlds.add_trust(partner, signer, name="strict", rules=gold)
    worlds.add_mapping(trust, ledger, "strict", allows_impersonation=True, **{**ANYBODY, "rules": blue})


def _many(partner: models.Partner, heron: Heron, ledger: models.Target) -> None:
    source = models.KeySource.objects.create(partner=partner, method="uploaded", jwks=public_jwks(*heron.keys.values()))
    accepted = [*ALGORITHMS, "EdDSA", "RS384"]
    trust = worlds.add_trust(partner, heron.many, name="many", key_source=source, algorithms=accepted)
    worlds.add_mapping(trust, ledger, "many", allows_impersonation=True, **ANYBODY)
