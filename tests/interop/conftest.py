"""What stock clients meet: the test organisation with a few more clients, a partner's own provider, and a person."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from cryptography import x509

from audit.events import SYSTEM
from exchange.protocol.request import CLIENT_CREDENTIALS
from partners import models
from partners.changes import changing
from tests import exchange_server, static_files
from tests import world as worlds
from tests.bound_clients import PROXY, Bound, bound
from tests.certificates import SERVERS, Authority
from tests.exchange.sites import Request, Site, reply, site
from tests.interop import nginx, node
from tests.ports import free_port
from tests.signers import Signer, public_jwks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.exchange_server import ExchangeServer
    from tests.services import Services

CALLBACK: Final = "https://app.kestrel.example/callback"


@dataclass
class Provider:
    """A partner's identity provider: npm ``oidc-provider`` in a process of its own."""

    port: int
    client_id: str = "kestrel-settlement"
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, resource: str, **form: Any) -> httpx.Response:
        """Its answer to client credentials with a resource indicator (RFC 8707)."""
        data = {"grant_type": "client_credentials", "scope": "settle:write", "resource": resource} | form
        with httpx.Client(trust_env=False, timeout=10) as http:
            return http.post(f"{self.issuer}/token", data=data, auth=(self.client_id, self.secret))

    def running(self, audience: str) -> AbstractContextManager[int]:
        """Its process, for the time of a block. Its access tokens are for this audience."""
        described = {"client_id": self.client_id, "client_secret": self.secret, "lifetime": 300}
        return node.serving("oidc-provider.mjs", port=self.port, audience=audience, **described)


@dataclass
class Stock:
    """The running server, and what its additional clients and the person hold."""

    server: ExchangeServer
    provider: Provider
    careful: Signer
    """A client whose proofs must carry a nonce of ours."""
    agent: Signer
    """A client that asks for itself."""
    desk: tuple[str, str]
    """A client with pages: its id and its secret."""
    person: tuple[str, str]
    """An address and a password to sign in with."""

    @property
    def gateway(self) -> dict[str, str]:
        """The credentials of the resource server that may ask about tokens for the ledger."""
        return {"client_id": "ledger-gateway", "client_secret": self.server.world.secret}


@dataclass
class Proxied:
    """nginx as it is shipped, in front of a server that believes it, and of an API that answers what it was sent."""

    behind: Bound
    port: int
    authority: Authority
    api: Site
    directory: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@pytest.fixture(scope="session")
def proxied(services: Services, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """One nginx for all that needs it."""
    authority, directory = Authority("Meridian Root"), tmp_path_factory.mktemp("nginx")
    name = x509.IPAddress(ip_address("127.0.0.1"))
    identity = authority.issue("sso", names=(name,), usage=SERVERS)
    limits = {"HANDOVER_FAILED_AUTHENTICATIONS_PER_MINUTE": "300"}
    with bound(services, django_db_blocker, **limits) as behind, site(_echo) as api:
        place = int(behind.server.url.rpartition(":")[2])

        def apis(port: int) -> dict[str, str]:
            return nginx.example(port, api.port, {"ledger": worlds.LEDGER, "reports": worlds.REPORTS})

        with nginx.proxying(directory, place, identity, outgoing=PROXY, apis=apis) as port:
            yield Proxied(behind, port, authority, api, directory)


def _echo(request: Request) -> bytes:
    return reply({"path": request.path, "fields": request.headers})


def private_jwk(signer: Signer) -> dict[str, Any]:
    """A key as its owner's library takes it."""
    return {**signer.key.as_dict(private=True)}


@pytest.fixture(scope="session")
def stock(services: Services, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    """One server for all stock clients. It may call this machine, where the partner's provider is."""
    provider, careful, agent = Provider(free_port()), Signer("kestrel-careful"), Signer("kestrel-agent")
    desk, person = ("kestrel-desk", secrets.token_urlsafe(32)), ("mei@meridian.example", secrets.token_urlsafe(16))

    def prepare() -> None:
        from django.contrib.auth import get_user_model  # noqa: PLC0415 - inside the database in use

        get_user_model().objects.create_user(*person, name="Mei")
        with changing(SYSTEM) as change:
            kestrel = models.Partner.objects.get(slug="kestrel")
            change.touch(kestrel.id)
            worlds.add_client(kestrel, careful.issuer, jwks=public_jwks(careful.key), requires_dpop_nonce=True)
            asking: dict[str, Any] = {"grant_types": [CLIENT_CREDENTIALS]}
            worlds.add_client(kestrel, agent.issuer, jwks=public_jwks(agent.key), **asking)
            _add_desk(kestrel, *desk)
            _trust(kestrel, provider)

    started: dict[str, Any] = {"prepare": prepare, "HANDOVER_OUTBOUND_ALLOW": "127.0.0.1/32"}
    started["HANDOVER_TEST_STATIC"] = str(static_files.collected(tmp_path_factory))
    with exchange_server.running(services, django_db_blocker, **started) as server, provider.running(server.url):
        yield Stock(server, provider, careful, agent, desk, person)


def _add_desk(partner: models.Partner, client_id: str, secret: str) -> None:
    grants = ["authorization_code", "refresh_token"]
    code: dict[str, Any] = {"authorization_grant_type": "authorization-code", "redirect_uris": CALLBACK}
    worlds.add_client(partner, client_id, secret=secret, grant_types=grants, scopes=["partners:read"], **code)


def _trust(partner: models.Partner, provider: Provider) -> None:
    """Trust the provider by nothing but its address: its keys are found by discovery."""
    source = models.KeySource.objects.create(partner=partner, method="discovery", location=provider.issuer)
    accepted: dict[str, Any] = {"algorithms": ["RS256"], "token_types": [worlds.ACCESS_TOKEN]}
    trust = worlds.add_trust(partner, Signer(provider.issuer), name="oidc-provider", key_source=source, **accepted)
    ledger = models.Target.objects.get(name="ledger")
    worlds.add_mapping(trust, ledger, "oidc-provider", allows_impersonation=True)
    reports, scopes = models.Target.objects.get(name="reports"), ["reports.read"]
    reading: dict[str, Any] = {"grants": {}, "always": scopes, "default_scopes": scopes}
    worlds.add_mapping(trust, reports, "oidc-provider-reports", allows_impersonation=True, **reading)
