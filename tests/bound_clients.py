"""Clients that prove themselves with certificates or are held to proofs, and a server that believes one proxy."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from cryptography import x509

from audit.events import SYSTEM
from partners import models
from partners.changes import changing
from tests import exchange_server
from tests import world as worlds
from tests.certificates import Authority, Holder, make

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exchange_server import ExchangeServer
    from tests.services import Services

PROXY = "127.0.0.2"
"""The address whose word about certificates is believed; tests that speak from 127.0.0.1 are strangers."""
SUBJECT = "CN=settlement,O=Kestrel Payments"
SPIFFE = "spiffe://kestrel.example/settlement"


@dataclass
class Bound:
    """The server, what its clients hold, and a way to speak as the proxy does."""

    server: ExchangeServer
    authority: Authority
    settlement: Holder
    self_signed: Holder
    proxy: httpx.Client

    def exchange(
        self, client_id: str | None, *certificates: str, through: httpx.Client | None = None, **form: Any
    ) -> Any:
        """An exchange of a client that has nothing but its certificate; ``certificates`` are header fields."""
        body = self.server.form(client_id=client_id) | form
        fields = [("client-cert", field) for field in certificates]
        sent = {name: value for name, value in body.items() if value is not None}
        return (through or self.proxy).post("/oauth/token", data=sent, headers=fields)

    def with_secret(self, client_id: str, **fields: Any) -> Any:
        """An exchange by secret, with these header fields."""
        headers = {name.replace("_", "-"): value for name, value in fields.items() if value is not None}
        form = self.server.form(**headers.pop("form", {}))
        auth = (client_id, self.server.world.secret)
        return self.proxy.post("/oauth/token", data=form, auth=auth, headers=headers)


@contextmanager
def bound(services: Services, blocker: Any, **environment: Any) -> Iterator[Bound]:
    """A server with such clients. It believes the proxy at ``PROXY`` and nobody else."""
    authority, self_signed = Authority(), make("self")
    settlement = authority.issue(names=(x509.UniformResourceIdentifier(SPIFFE),))
    transport = httpx.HTTPTransport(local_address=PROXY)
    with (
        exchange_server.running(
            services,
            blocker,
            prepare=lambda: _prepare(authority, self_signed),
            HANDOVER_TRUSTED_PROXIES=f"{PROXY}/32",
            **environment,
        ) as server,
        httpx.Client(base_url=server.url, transport=transport, trust_env=False, timeout=10) as proxy,
    ):
        yield Bound(server, authority, settlement, self_signed, proxy)


def _prepare(authority: Authority, self_signed: Holder) -> None:
    with changing(SYSTEM) as change:
        kestrel = models.Partner.objects.get(slug="kestrel")
        change.touch(kestrel.id)
        kestrel.trust_anchors = authority.pem
        kestrel.save()
        secret = models.ClientSecret.objects.get(client__client_id="kestrel-batch")
        chained: dict[str, Any] = {
            "methods": ["tls_client_auth"],
            "certificate_name_kind": "subject_dn",
            "certificate_name": SUBJECT,
        }
        worlds.add_client(kestrel, "by-name", **chained, trust_anchors=authority.pem)
        code: dict[str, Any] = {"grant_types": ["authorization_code"], "redirect_uris": "https://kestrel.example/back"}
        worlds.add_client(kestrel, "by-name-code", **chained, **code)
        by_uri: dict[str, Any] = {"certificate_name_kind": "san_uri", "certificate_name": SPIFFE}
        worlds.add_client(kestrel, "by-uri", methods=["tls_client_auth"], **by_uri)
        keys = {"keys": [self_signed.jwk]}
        worlds.add_client(kestrel, "by-key", jwks=keys, methods=["self_signed_tls_client_auth"])
        held: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True}
        worlds.add_client(kestrel, "by-name-bound", **chained, **held)
        demands: dict[str, dict[str, Any]] = {
            "by-secret-bound": held,
            "by-secret-proof": {"dpop_bound_access_tokens": True},
            "by-secret-nonce": {"requires_dpop_nonce": True},
        }
        for client_id, fields in demands.items():
            client = worlds.add_client(kestrel, client_id, methods=["client_secret_basic"], **fields)
            models.ClientSecret.objects.create(client=client, slot=1, kek_id=secret.kek_id, digest=secret.digest)
