"""A small organisation for exchange tests: one partner, its clients, a trusted issuer, two targets, three mappings."""

from __future__ import annotations

import secrets as random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from audit.events import SYSTEM
from exchange import keys
from exchange.protocol.request import CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE
from partners import models, secrets
from partners.changes import changing
from tests import heron as herons
from tests.signers import Signer, make_key, public_jwks, rsa_key

if TYPE_CHECKING:
    from partners.changes import Change
    from tests.heron import Heron

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
LEDGER = "https://ledger.meridian.example"
REPORTS = "https://reports.meridian.example"


@dataclass
class World:
    """What the tests need to know of it: who signs, and the secrets of the clients."""

    issuer: str
    idp: Signer = field(default_factory=lambda: Signer("https://idp.kestrel.example", rsa_key()))
    other_idp: Signer = field(default_factory=lambda: Signer("https://idp.fjord.example", make_key("ES256")))
    backend: Signer = field(default_factory=lambda: Signer("kestrel-backend"))
    secret: str = field(default_factory=lambda: random.token_urlsafe(32))
    heron: Heron = field(init=False)

    @property
    def token_endpoint(self) -> str:
        return f"{self.issuer}/oauth/token"


def build(issuer: str) -> World:
    """Write the organisation into the database in use."""
    world = World(issuer)
    keys.ensure_signing_key()
    with changing(SYSTEM) as change:
        change.touch_catalogue()
        targets = _targets()
        kestrel = _partner(change, "kestrel")
        trust = add_trust(kestrel, world.idp)
        add_client(kestrel, "kestrel-backend", jwks=public_jwks(world.backend.key))
        add_client(kestrel, "kestrel-batch", secret=world.secret)
        add_client(kestrel, "kestrel:odd%id+", secret=world.secret)
        add_client(kestrel, "kestrel-grants", secret=world.secret, grant_types=[JWT_BEARER])
        add_client(kestrel, "kestrel-idle", secret=world.secret, grant_types=["authorization_code"])
        add_client(kestrel, "kestrel-gone", secret=world.secret, state="suspended")
        add_client(kestrel, "kestrel-app", client_type="public")
        add_mapping(trust, targets["ledger"], "ledger", allows_impersonation=True)
        add_mapping(
            trust,
            targets["reports"],
            "reports",
            grants={"reports:read": ["reports.read"]},
            always=[],
            default_scopes=[],
        )
        _own_of(kestrel, targets["ledger"], world.secret)
        fjord = _partner(change, "fjord")
        other = add_trust(fjord, world.other_idp)
        add_client(fjord, "fjord-backend", secret=world.secret)
        add_mapping(other, targets["ledger"], "ledger", allows_impersonation=True)
        _resource_servers(targets, world.secret)
        add_client(_partner(change, "idle", state="suspended"), "idle-backend", secret=world.secret)
        world.heron = herons.build(change, targets, world.secret)
    return world


def _targets() -> dict[str, models.Target]:
    ledger = models.Target.objects.create(
        name="ledger", audience=LEDGER, resources=["https://ledger.meridian.example/v1"], lifetime=timedelta(minutes=5)
    )
    for scope in ("ledger.read", "ledger.write", "ledger.admin"):
        models.Scope.objects.create(target=ledger, name=scope, description=scope)
    reports = models.Target.objects.create(name="reports", audience=REPORTS, lifetime=timedelta(minutes=10))
    models.Scope.objects.create(target=reports, name="reports.read", description="reports.read")
    return {"ledger": ledger, "reports": reports}


def _own_of(kestrel: models.Partner, ledger: models.Target, secret: str) -> None:
    """A client that asks for itself, and what the partner's clients may do with tokens of ours."""
    add_client(kestrel, "kestrel-cron", secret=secret, grant_types=[CLIENT_CREDENTIALS])
    add_own_mapping("client", ledger, "cron", kestrel, lifetime=timedelta(minutes=3))
    add_own_mapping("own_token", ledger, "narrower", kestrel, grants={"ledger.read": ["ledger.read"]})


def _resource_servers(targets: dict[str, models.Target], secret: str) -> None:
    """A gateway of ours in front of each target."""
    for name, target in targets.items():
        gateway = add_client(None, f"{name}-gateway", secret=secret, grant_types=[], scopes=[])
        gateway.serves.set([target])
    service = add_client(None, "ledger-service", secret=secret, grant_types=[TOKEN_EXCHANGE, CLIENT_CREDENTIALS])
    service.serves.set([targets["ledger"]])
    grants = {"ledger.read": ["reports.read"]}
    add_own_mapping("own_token", targets["reports"], "onwards", grants=grants, always=[], max_depth=2)
    add_own_mapping("client", targets["reports"], "nightly", always=["reports.read"], clients=["ledger-service"])


def _partner(change: Change, slug: str, **fields: Any) -> models.Partner:
    partner = models.Partner.objects.create(**{"slug": slug, "name": slug.title(), "state": "active"} | fields)
    change.touch(partner.id)
    return partner


def add_trust(partner: models.Partner, signer: Signer, **fields: Any) -> models.FederationTrust:
    """Trust an issuer by uploaded keys."""
    source = models.KeySource.objects.create(partner=partner, method="uploaded", jwks=public_jwks(signer.key))
    defaults: dict[str, Any] = {
        "name": "idp",
        "issuer": signer.issuer,
        "token_types": [ACCESS_TOKEN, ID_TOKEN, JWT],
        "algorithms": [signer.alg],
    }
    return models.FederationTrust.objects.create(**defaults | {"partner": partner, "key_source": source} | fields)


def add_client(
    partner: models.Partner | None,
    client_id: str,
    *,
    secret: str = "",
    jwks: dict[str, Any] | None = None,
    **fields: Any,
) -> models.Client:
    """Register a client that authenticates by secret, by key, or by both."""
    methods = ["client_secret_basic", "client_secret_post"] if secret else []
    source = None
    if jwks is not None:
        assert partner is not None
        methods.append("private_key_jwt")
        source = models.KeySource.objects.create(partner=partner, method="uploaded", jwks=jwks)
    defaults: dict[str, Any] = {
        "client_type": "confidential",
        "authorization_grant_type": "client-credentials",
        "methods": methods,
        "grant_types": [TOKEN_EXCHANGE],
        "scopes": ["ledger.read", "ledger.write", "reports.read"],
        "assertion_algorithms": ["ES256"],
        "key_source": source,
        "client_secret": "",
    }
    client = models.Client.objects.create(partner=partner, client_id=client_id, **defaults | fields)
    if secret:
        add_secret(client, secret)
    return client


def add_secret(client: models.Client, secret: str, slot: int = 1, **fields: Any) -> None:
    """A live secret of a client."""
    from django.conf import settings  # noqa: PLC0415 - the settings in use now

    kek_id = settings.HANDOVER.kek.id
    digest = secrets.digest(secret, kek_id=kek_id)
    models.ClientSecret.objects.create(client=client, slot=slot, kek_id=kek_id, digest=digest, **fields)


def add_own_mapping(
    source: str, target: models.Target, name: str, partner: models.Partner | None = None, **fields: Any
) -> models.ScopeMapping:
    """Publish a mapping of tokens of ours, or of clients by themselves."""
    defaults: dict[str, Any] = {
        "version": 1,
        "state": "published",
        "always": ["ledger.read"] if source == "client" else [],
        "default_scopes": [],
        "allows_impersonation": True,
    }
    return models.ScopeMapping.objects.create(
        source=source, partner=partner, target=target, name=name, **defaults | fields
    )


def add_mapping(trust: models.FederationTrust, target: models.Target, name: str, **fields: Any) -> models.ScopeMapping:
    """Publish a mapping of a trust to a target."""
    defaults: dict[str, Any] = {
        "version": 1,
        "state": "published",
        "rules": [{"claim": "tier", "operator": "equals", "value": "gold"}],
        "grants": {"settle:write": ["ledger.read", "ledger.write"]},
        "always": ["ledger.read"],
        "default_scopes": ["ledger.read"],
    }
    return models.ScopeMapping.objects.create(
        partner=trust.partner, trust=trust, target=target, name=name, **defaults | fields
    )
