"""nginx ``auth_request`` with the shipped location: an API that a request reaches only with a token of ours."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from exchange import passages
from tests.conformance.rules import rule
from tests.conformance.test_rfc6750 import bound_token, proof
from tests.interop.nginx import SHIPPED, encoded
from tests.signers import make_key
from tests.world import LEDGER

if TYPE_CHECKING:
    from tests.interop.conftest import Proxied

HANDED_ON = ("x-handover-subject", "x-handover-actor", "x-handover-client", "x-handover-scope", "x-handover-elevation")


class Gateway:
    """nginx in front of an API that answers with the header fields it was sent."""

    def __init__(self, proxied: Proxied) -> None:
        self.server = proxied.behind.server
        self.api = proxied.api
        self.origin = proxied.url
        self.url = f"{self.origin}/ledger/entries"
        self._context = ssl.create_default_context(cadata=proxied.authority.pem)

    def call(
        self, authorization: str = "", *, method: str = "GET", path: str = "/ledger/entries", **options: Any
    ) -> httpx.Response:
        fields = [("authorization", authorization)] if authorization else []
        with httpx.Client(verify=self._context, trust_env=False, timeout=10) as client:
            return client.request(method, self.origin + path, headers=[*fields, *options.pop("fields", [])], **options)

    def from_address(self, address: str) -> httpx.Client:
        """A caller at another address of this machine."""
        way = httpx.HTTPTransport(verify=self._context, local_address=address, trust_env=False)
        return httpx.Client(transport=way, timeout=10)

    def token(self, **changes: Any) -> str:
        return str(self.server.exchange(**changes).json()["access_token"])


@pytest.fixture(scope="module")
def gateway(proxied: Proxied) -> Gateway:
    return Gateway(proxied)


@rule(94, "RFC 9440", "4")
def test_every_field_that_the_endpoint_believes_of_a_proxy_is_set_by_ours() -> None:
    text = (SHIPPED / "asked.conf").read_text(encoding="ascii").lower()
    set_by_us = {line.split()[1].encode() for line in text.splitlines() if line.startswith("proxy_set_header ")}
    believed = {*passages.BELIEVED, b"client-cert", b"client-cert-chain", b"x-forwarded-for"}
    assert believed <= set_by_us


def test_a_request_with_our_token_reaches_the_api_which_hears_who_calls(gateway: Gateway) -> None:
    forged = [(name, "somebody-else") for name in HANDED_ON]
    answer = gateway.call(f"Bearer {gateway.token(scope='ledger.read')}", method="POST", content="{}", fields=forged)
    assert (answer.status_code, answer.json()["path"]) == (200, "/entries")
    told = {name: value for name, value in answer.json()["fields"].items() if name in HANDED_ON}
    assert told == {
        "x-handover-subject": "partner:kestrel:user-1",
        "x-handover-client": "kestrel-backend",
        "x-handover-scope": "ledger.read",
    }


@rule(14, "RFC 6750", "3.1")
def test_no_other_request_reaches_it(gateway: Gateway) -> None:
    server = gateway.server
    before = len(gateway.api.requests)
    revoked = server.exchange(auth=server.basic).json()["access_token"]
    assert server.http.post("/oauth/revoke", data={"token": revoked}, auth=server.basic).status_code == 200
    for authorization in ("", "Bearer nothing", f"Bearer {revoked}", f"Basic {revoked}"):
        answer = gateway.call(authorization)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer realm="handover"')
    assert len(gateway.api.requests) == before


@rule(14, "RFC 6750", "3.1")
def test_a_token_without_the_scope_that_the_location_demands_is_forbidden(gateway: Gateway) -> None:
    answer = gateway.call(f"Bearer {gateway.token(scope='ledger.write')}")
    assert answer.status_code == 403
    assert 'error="insufficient_scope", scope="ledger.read"' in answer.headers["www-authenticate"]


def test_a_caller_over_its_limit_hears_that_from_nginx_too(gateway: Gateway) -> None:
    with gateway.from_address("127.0.0.9") as guessing:
        answers = [guessing.get(gateway.url, headers={"authorization": "Bearer guess"}) for _ in range(250)]
    assert {answer.status_code for answer in answers} == {401, 429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 429)
    assert gateway.call(f"Bearer {gateway.token(scope='ledger.read')}").status_code == 200


@rule(103, "RFC 9449", "7.1")
def test_a_bound_token_passes_with_a_proof_for_this_request_and_no_other(gateway: Gateway) -> None:
    key = make_key("ES256")
    token = bound_token(gateway.server, key)
    good = [("dpop", proof(key, token=token, url=gateway.url))]
    assert gateway.call(f"DPoP {token}", fields=good).status_code == 200
    assert gateway.call(f"DPoP {token}", fields=good).status_code == 401, "a proof is good once"
    assert gateway.call(f"Bearer {token}").status_code == 401


@rule(97, "RFC 9449", "4.3")
@pytest.mark.parametrize("names", [("x-original-url", "x-original-method"), ("x-forwarded-uri", "x-forwarded-method")])
def test_what_the_caller_says_about_its_request_is_not_believed(gateway: Gateway, names: tuple[str, str]) -> None:
    key = make_key("ES256")
    token = bound_token(gateway.server, key)
    elsewhere = "https://127.0.0.1:1/other"
    stolen = [("dpop", proof(key, token=token, url=elsewhere, method="DELETE"))]
    said = [
        (names[0], elsewhere),
        (names[1], "DELETE"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "127.0.0.1:1"),
    ]
    assert gateway.call(f"DPoP {token}", fields=[*stolen, *said]).status_code == 401
    assert gateway.call(f"DPoP {token}", fields=[*stolen, ("host", "127.0.0.1:1")]).status_code == 401


def test_nobody_outside_can_ask_for_another_request_than_its_own(gateway: Gateway) -> None:
    key = make_key("ES256")
    token = bound_token(gateway.server, key)
    elsewhere = "https://127.0.0.1:1/other"
    said = [("x-original-url", elsewhere), ("x-original-method", "GET"), ("x-handover-audience", LEDGER)]
    said += [("x-forwarded-proto", "https"), ("x-forwarded-host", "127.0.0.1:1")]
    for path, status in (("/oauth/verify", 401), ("/oauth/verify/other", 400)):
        stolen = [("dpop", proof(key, token=token, url=elsewhere))]
        answer = gateway.call(f"DPoP {token}", path=f"{path}?audience={encoded(LEDGER)}", fields=[*stolen, *said])
        assert answer.status_code == status
    plain = gateway.call(f"Bearer {gateway.token()}", path=f"/oauth/verify?audience={encoded(LEDGER)}")
    assert plain.status_code == 200
    assert gateway.call(f"Bearer {gateway.token()}", path="/handover/ledger").status_code == 404


def test_a_token_for_another_audience_does_not_pass(gateway: Gateway) -> None:
    token = gateway.token(scope="ledger.read")
    assert gateway.call(f"Bearer {token}").status_code == 200
    assert gateway.call(f"Bearer {token}", path="/reports/entries").status_code == 401
