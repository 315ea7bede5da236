"""The verify endpoint as Envoy asks it: the original method, and the original path appended to ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.bound_clients import Bound, bound
from tests.conformance.rules import rule
from tests.conformance.test_rfc6750 import bound_token, proof
from tests.signers import make_key
from tests.world import LEDGER, REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.services import Services

ORIGIN = "https://ledger.meridian.example"


@pytest.fixture(scope="module")
def envoy(services: Services, django_db_blocker: Any) -> Iterator[Bound]:
    with bound(services, django_db_blocker) as behind:
        yield behind


def ask(envoy: Bound, authorization: str, path: str = "/v1/entries", **changes: Any) -> httpx.Response:
    """What Envoy sends for a request that it holds back: demand and origin are its own words."""
    fields = {"x-handover-audience": LEDGER, "x-handover-scope": "ledger.read"}
    fields |= {"x-forwarded-proto": "https", "x-forwarded-host": "ledger.meridian.example"}
    fields |= changes.pop("fields", {}) | {"authorization": authorization}
    through: httpx.Client = changes.pop("through", envoy.proxy)
    return through.request(changes.pop("method", "GET"), f"/oauth/verify{path}", headers=fields, **changes)


def token(envoy: Bound, **changes: Any) -> str:
    return str(envoy.server.exchange(**changes).json()["access_token"])


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "PROPFIND"])
def test_a_request_of_any_method_passes_with_a_token_of_ours(envoy: Bound, method: str) -> None:
    answer = ask(envoy, f"Bearer {token(envoy)}", method=method)
    assert (answer.status_code, answer.headers["x-handover-client"]) == (200, "kestrel-backend")


def test_the_demand_is_the_proxys_and_the_query_is_nobodys(envoy: Bound) -> None:
    good = token(envoy, scope="ledger.read")
    assert ask(envoy, f"Bearer {good}", "/v1/entries?audience=x&scope=ledger.admin").status_code == 200
    assert ask(envoy, f"Bearer {good}", f"/v1?audience={LEDGER}", fields={"x-handover-audience": ""}).status_code == 400
    assert ask(envoy, f"Bearer {good}", fields={"x-handover-audience": REPORTS}).status_code == 401
    assert ask(envoy, f"Bearer {good}", fields={"x-handover-scope": "ledger.write"}).status_code == 403


@rule(97, "RFC 9449", "4.3")
def test_a_proof_is_for_the_appended_path_and_for_the_method_of_the_request(envoy: Bound) -> None:
    key = make_key("ES256")
    held, path = bound_token(envoy.server, key), "/v1/entries%20of/2026?page=2"

    def call(**said: str) -> int:
        stated = {"url": f"{ORIGIN}/v1/entries%20of/2026", "method": "POST"} | said
        fields = {"dpop": proof(key, token=held, **stated)}
        return ask(envoy, f"DPoP {held}", path, method="POST", fields=fields).status_code

    assert call() == 200
    assert call(method="GET") == 401
    assert call(url=f"{ORIGIN}/v1/entries") == 401
    assert call(url="https://evil.example/v1/entries%20of/2026") == 401


@rule(97, "RFC 9449", "4.3")
def test_fields_of_other_gateways_say_nothing_about_an_appended_path(envoy: Bound) -> None:
    key = make_key("ES256")
    held, elsewhere = bound_token(envoy.server, key), f"{ORIGIN}/v1/other"
    fields = {"x-original-url": elsewhere, "x-forwarded-uri": "/v1/other", "x-original-method": "DELETE"}
    fields |= {"x-forwarded-method": "DELETE", "dpop": proof(key, token=held, url=elsewhere, method="DELETE")}
    assert ask(envoy, f"DPoP {held}", fields=fields).status_code == 401


@rule(94, "RFC 9440", "4")
def test_whoever_is_no_proxy_of_ours_cannot_ask_so(envoy: Bound) -> None:
    answer = ask(envoy, f"Bearer {token(envoy)}", through=envoy.server.http)
    assert answer.status_code == 400
    assert "HANDOVER_TRUSTED_PROXIES" in answer.text
    assert ask(envoy, f"Bearer {token(envoy)}", method="POST", through=envoy.server.http).status_code == 400
