"""A target whose tokens are references, its gateway and its service, and what leads to it and on from it."""

from __future__ import annotations

from typing import Any

from exchange.protocol.request import CLIENT_CREDENTIALS, TOKEN_EXCHANGE
from partners import models
from tests import world as worlds

VAULT = "https://vault.meridian.example"


def build() -> None:
    """Write it into the database in use, beside the test organisation and before a server reads it."""
    vault = models.Target.objects.create(name="vault", audience=VAULT, token_format="reference")
    for scope in ("vault.read", "vault.write"):
        models.Scope.objects.create(target=vault, name=scope, description=scope)
    for client in models.Client.objects.filter(client_id__in=("kestrel-backend", "kestrel-batch", "ledger-service")):
        client.scopes = [*client.scopes, "vault.read", "vault.write"]
        client.save()
    _lead_there(vault)
    _lead_on(vault)
    _add_client("vault-gateway", vault, grant_types=[], scopes=[])


def _lead_there(vault: models.Target) -> None:
    """From a partner's token, with whatever its issuer wrote into ``sub`` where it names an employee, or from ours."""
    trust = models.FederationTrust.objects.get(partner__slug="kestrel")
    good: dict[str, Any] = {
        "grants": {"settle:write": ["vault.read", "vault.write"]},
        "always": ["vault.read"],
        "default_scopes": ["vault.read"],
        "allows_impersonation": True,
        "max_depth": 2,
    }
    worlds.add_mapping(trust, vault, "vault", **good)
    employed = {"subject_claim": "employee", "rules": [{"claim": "employee", "operator": "exists"}], "position": 50}
    worlds.add_mapping(trust, vault, "vault-employees", **good | employed)
    worlds.add_own_mapping("own_token", vault, "to-vault", grants={"ledger.read": ["vault.read"]}, max_depth=2)


def _lead_on(vault: models.Target) -> None:
    """From a token for the vault to the reports, and for its service by itself."""
    scopes = ["vault.read", "reports.read"]
    _add_client("vault-service", vault, grant_types=[TOKEN_EXCHANGE, CLIENT_CREDENTIALS], scopes=scopes)
    reports = models.Target.objects.get(name="reports")
    onwards: dict[str, Any] = {"grants": {"vault.read": ["reports.read"]}, "max_depth": 2, "position": 50}
    worlds.add_own_mapping("own_token", reports, "from-vault", clients=["vault-service"], **onwards)
    worlds.add_own_mapping("client", vault, "watch", always=["vault.read"], clients=["vault-service"])


def _add_client(client_id: str, vault: models.Target, **fields: Any) -> None:
    """A client of ours that serves the vault, with the secret that the test organisation's clients have."""
    client = worlds.add_client(None, client_id, methods=["client_secret_basic"], **fields)
    client.serves.set([vault])
    known = models.ClientSecret.objects.get(client__client_id="kestrel-batch")
    models.ClientSecret.objects.create(client=client, slot=1, kek_id=known.kek_id, digest=known.digest)
