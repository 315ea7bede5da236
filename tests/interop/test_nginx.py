"""nginx terminates mutual TLS in front of us: real certificates, real handshakes (RFC 8705, RFC 9440)."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from policy.reasons import Reason
from tests.certificates import Holder, make
from tests.conformance.rules import rule
from tests.oracle import granted, refused

if TYPE_CHECKING:
    from tests.interop.conftest import Proxied


class Front:
    """nginx in front of the server; ``call`` connects with a certificate, or with none."""

    def __init__(self, proxied: Proxied) -> None:
        self.behind = proxied.behind
        self._proxied = proxied

    def call(self, client_id: str, holder: Holder | None, *, fields: Any = (), **changes: Any) -> httpx.Response:
        context = ssl.create_default_context(cadata=self._proxied.authority.pem)
        if holder is not None:
            file = self._proxied.directory / f"{holder.certificate.serial_number}.pem"
            file.write_text(holder.pem + holder.key_pem, encoding="ascii")
            context.load_cert_chain(file)
        form = self.behind.server.form(client_id=client_id, **changes)
        with httpx.Client(base_url=self._proxied.url, verify=context, trust_env=False, timeout=10) as client:
            return client.post("/oauth/token", data=form, headers=list(fields))


@pytest.fixture(scope="module")
def front(proxied: Proxied) -> Front:
    return Front(proxied)


@rule(88, "RFC 8705", "2.1")
@rule(91, "RFC 8705", "3.1")
@rule(32, "RFC 8693", "2.1")
def test_a_token_bound_to_the_certificate_of_the_connection_works_with_it(front: Front) -> None:
    server, holder = front.behind.server, front.behind.settlement
    token = server.world.idp.subject_token(server.url, cnf={"x5t#S256": holder.thumbprint})
    answer = granted(server, front.call("by-name-bound", holder, subject_token=token))
    assert answer.claims["cnf"] == {"x5t#S256": holder.thumbprint}
    assert answer.body["token_type"] == "Bearer"


@rule(32, "RFC 8693", "2.1")
def test_the_same_token_with_another_certificate_of_the_same_client_is_refused(front: Front) -> None:
    server, holder = front.behind.server, front.behind.settlement
    token = server.world.idp.subject_token(server.url, cnf={"x5t#S256": holder.thumbprint})
    renewed = front.behind.authority.issue()
    granted(server, front.call("by-name", renewed))
    response = front.call("by-name", renewed, subject_token=token)
    refused(server, response, "invalid_request", Reason.SENDER_CONSTRAINED)


@rule(88, "RFC 8705", "2.1")
@rule(89, "RFC 8705", "2.2")
def test_a_strangers_certificate_is_refused_and_a_registered_self_signed_one_is_not(front: Front) -> None:
    server = front.behind.server
    refused(server, front.call("by-name", make("settlement")), "invalid_client", Reason.CERTIFICATE_REFUSED)
    refused(server, front.call("by-key", make("self")), "invalid_client", Reason.CERTIFICATE_REFUSED)
    granted(server, front.call("by-key", front.behind.self_signed))


@rule(94, "RFC 9440", "4")
@pytest.mark.parametrize("name", ["client-cert", "Client-Cert", "CLIENT-CERT"])
def test_a_field_that_the_caller_forges_does_not_pass_the_proxy(front: Front, name: str) -> None:
    server, forged = front.behind.server, front.behind.settlement.field
    response = front.call("by-name", None, fields=[(name, forged)])
    refused(server, response, "invalid_client", Reason.CREDENTIALS_MISSING)
    response = front.call("by-name", make("settlement"), fields=[(name, forged), ("client-cert-chain", forged)])
    refused(server, response, "invalid_client", Reason.CERTIFICATE_REFUSED)


@rule(94, "RFC 9440", "3")
def test_a_field_that_does_not_come_from_the_proxy_is_ignored(front: Front) -> None:
    server, holder = front.behind.server, front.behind.settlement
    response = front.behind.exchange("by-name", holder.field, through=server.http)
    refused(server, response, "invalid_client", Reason.CREDENTIALS_MISSING)
    token = server.world.idp.subject_token(server.url, cnf={"x5t#S256": holder.thumbprint})
    response = server.http.post(
        "/oauth/token",
        data=server.form(subject_token=token),
        auth=server.basic,
        headers={"client-cert": holder.field},
    )
    refused(server, response, "invalid_request", Reason.SENDER_CONSTRAINED)
