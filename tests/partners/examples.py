"""Declarations with good values, of which a test changes what it is about; and keys of every kind."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from joserfc.jwk import ECKey, OKPKey, RSAKey

from audit import services as audit
from audit.events import Actor, ActorKind, ExchangeGranted
from partners import services
from partners.declarations import (
    DeclaredClient,
    DeclaredMapping,
    DeclaredPartner,
    DeclaredScope,
    DeclaredTarget,
    DeclaredTrust,
)
from partners.models import FederationTrust
from partners.vocabulary import DeclaredPartnerState, GrantType
from policy.parties import ClientAuthentication, Risk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from partners.changes import Change

ADMIN = Actor(ActorKind.USER, "ada@meridian.example")
SECOND = Actor(ActorKind.USER, "grace@meridian.example")
SECRET = "q3fXy0Zt7Rk1-uVbN5mWc9JhLd2PsAe8Gi4TzKoB6xY"
OTHER_SECRET = "Zt7Rk1q3fXy0-mWcuVbN59JhAe8Ld2PsGi4xYTzKoB6"


def public_key(kind: str = "P-256", **members: Any) -> dict[str, Any]:
    """A fresh public key as a JWK; one of RSA is always the same, since it takes long to find."""
    if kind == "RSA":
        key: Any = _rsa_key()
    elif kind == "Ed25519":
        key = OKPKey.generate_key("Ed25519", private=True, auto_kid=False)
    else:
        key = ECKey.generate_key(kind, private=True, auto_kid=False)
    return {**key.as_dict(private=False), **members}


@cache
def _rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048, private=True, auto_kid=False)


def private_key(**members: Any) -> dict[str, Any]:
    """A fresh private key as a JWK, which nobody should ever hand over."""
    return {**ECKey.generate_key("P-256", private=True, auto_kid=False).as_dict(private=True), **members}


def jwks(*keys: Mapping[str, Any]) -> dict[str, Any]:
    """A key set of these keys, or of one P-256 key."""
    return {"keys": list(keys) or [public_key(kid="k1")]}


def target(**fields: Any) -> DeclaredTarget:
    scopes = {
        "ledger:read": DeclaredScope(description="Read entries"),
        "ledger:write": DeclaredScope(description="Post entries", risk=Risk.HIGH),
    }
    good = {"name": "ledger-api", "audience": "https://ledger.meridian.example", "scopes": scopes}
    return DeclaredTarget(**{**good, **fields})


def partner(**fields: Any) -> DeclaredPartner:
    return DeclaredPartner(**{"name": "kestrel", "title": "Kestrel Payments", **fields})


def client(**fields: Any) -> DeclaredClient:
    good: dict[str, Any] = {
        "name": "kestrel-settlement",
        "partner": "kestrel",
        "methods": (ClientAuthentication.CLIENT_SECRET_BASIC,),
        "grant_types": (GrantType.TOKEN_EXCHANGE,),
        "scopes": ("ledger:read",),
    }
    return DeclaredClient(**{**good, **fields})


def trust(**fields: Any) -> DeclaredTrust:
    good = {"name": "kestrel-idp", "partner": "kestrel", "issuer": "https://login.kestrel.example"}
    return DeclaredTrust(**{**good, **fields})


def mapping(**fields: Any) -> DeclaredMapping:
    good: dict[str, Any] = {
        "name": "to-ledger",
        "partner": "kestrel",
        "trust": "kestrel-idp",
        "target": "ledger-api",
        "grants": {"ledger": ("ledger:read",)},
        "default_scopes": ("ledger:read",),
    }
    return DeclaredMapping(**{**good, **fields})


def record_test(slug: str = "kestrel", trust_name: str = "kestrel-idp") -> None:
    """The event of a token of the partner's own issuer that was exchanged just now."""
    trust_row = FederationTrust.objects.get(partner__slug=slug, name=trust_name)
    data: dict[str, Any] = {"trust": {"id": str(trust_row.id), "name": trust_name, "issuer": trust_row.issuer}}
    event = ExchangeGranted(partner_id=trust_row.partner_id, partner=slug, client=f"{slug}-settlement", data=data)
    audit.record(event, Actor(ActorKind.CLIENT, f"{slug}-settlement"))


def register_everything(change: Change) -> None:
    """One object of each kind, the partner active."""
    services.register_target(change, target())
    services.register_partner(change, partner())
    services.lead_partner(change, "kestrel", DeclaredPartnerState.ACTIVE)
    services.register_client(change, client())
    services.add_trust(change, trust())
    services.publish_mapping(change, mapping())
