"""The verify endpoint, as a gateway in front of a target uses it: RFC 6750 section 3, RFC 9449 section 7."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests import exchange_server
from tests import services as plugin
from tests.conformance.rules import rule
from tests.conformance.test_rfc7009 import give_back
from tests.conformance.test_rfc7662 import claims_of, issued
from tests.signers import encode, make_key, public_jwk
from tests.world import LEDGER, REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.exchange_server import ExchangeServer
    from tests.signers import Key

PROXIED = "127.0.0.1/32"
ORIGINAL = "https://ledger.meridian.example/v1/entries?page=2"


@pytest.fixture(scope="module")
def proxied(services: plugin.Services, django_db_blocker: Any) -> Iterator[ExchangeServer]:
    """A server that takes this machine for its proxy."""
    with exchange_server.running(services, django_db_blocker, HANDOVER_TRUSTED_PROXIES=PROXIED) as server:
        yield server


def pass_by(server: ExchangeServer, *authorization: str, **changes: Any) -> httpx.Response:
    """A gateway asks about a request with this Authorization field."""
    query = {"audience": LEDGER, "scope": "ledger.read"} | changes.pop("query", {})
    headers = [("authorization", value) for value in authorization]
    headers += [("x-original-method", "GET"), ("x-original-url", ORIGINAL), *changes.pop("headers", [])]
    return server.http.get("/oauth/verify", params=query, headers=headers, **changes)


def proof(key: Key, *, token: str, url: str = ORIGINAL, method: str = "GET", **claims: Any) -> str:
    """A DPoP proof for a resource request."""
    ath = urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
    good = {"jti": str(uuid4()), "htm": method, "htu": url.partition("?")[0], "iat": int(time.time()), "ath": ath}
    return encode({"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(key)}, good | claims, key)


def bound_token(server: ExchangeServer, key: Key) -> str:
    good = {"jti": str(uuid4()), "htm": "POST", "htu": server.world.token_endpoint, "iat": int(time.time())}
    header = encode({"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(key)}, good, key)
    form = server.form()
    answer = server.post(form, auth=server.basic, headers={"dpop": header})
    assert answer.json()["token_type"] == "DPoP", answer.text
    return str(answer.json()["access_token"])


@rule(13, "RFC 6750", "2.1")
def test_a_good_token_passes_and_the_target_hears_who_calls(server: ExchangeServer) -> None:
    token = issued(server, scope="ledger.read")
    answer = pass_by(server, f"Bearer {token}")
    assert answer.status_code == 200
    told = {name: value for name, value in answer.headers.items() if name.startswith("x-handover-")}
    claims = claims_of(token)
    assert told == {
        "x-handover-subject": claims["sub"],
        "x-handover-client": claims["client_id"],
        "x-handover-scope": "ledger.read",
    }


@rule(15, "RFC 6750", "2.1")
@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_the_scheme_is_read_in_any_case(server: ExchangeServer, scheme: str) -> None:
    assert pass_by(server, f"{scheme} {issued(server)}").status_code == 200


@rule(14, "RFC 6750", "3")
def test_without_credentials_the_challenge_names_no_error(server: ExchangeServer) -> None:
    answer = pass_by(server)
    assert answer.status_code == 401
    assert answer.headers.get_list("www-authenticate")[0] == 'Bearer realm="handover"'


@rule(14, "RFC 6750", "3.1")
def test_a_token_that_will_not_do_is_an_invalid_token(server: ExchangeServer) -> None:
    token = issued(server, auth=server.basic)
    assert give_back(server, token).status_code == 200
    partners = server.world.idp.subject_token(server.url)
    for bad in (token, "nothing", partners, issued(server) + "A"):
        answer = pass_by(server, f"Bearer {bad}")
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers.get_list("www-authenticate")[0]
        assert not [name for name in answer.headers if name.startswith("x-handover-")]


@rule(14, "RFC 6750", "3.1")
def test_too_little_scope_is_forbidden_and_the_challenge_says_what_it_takes(server: ExchangeServer) -> None:
    token = issued(server, scope="ledger.read")
    answer = pass_by(server, f"Bearer {token}", query={"scope": "ledger.read ledger.write"})
    assert answer.status_code == 403
    assert 'error="insufficient_scope", scope="ledger.read ledger.write"' in answer.headers["www-authenticate"]
    assert server.event(answer)["reason"] == "policy.scope_not_granted"


def test_a_token_for_another_target_does_not_pass(server: ExchangeServer) -> None:
    answer = pass_by(server, f"Bearer {issued(server)}", query={"audience": REPORTS})
    assert answer.status_code == 401
    assert server.event(answer)["reason"] == "token.audience_mismatch"


@rule(13, "RFC 6750", "2.3")
def test_a_token_in_the_query_counts_for_nothing(server: ExchangeServer) -> None:
    assert pass_by(server, query={"access_token": issued(server)}).status_code == 401


def test_two_authorization_fields_are_no_credentials(server: ExchangeServer) -> None:
    token = issued(server)
    assert pass_by(server, f"Bearer {token}", f"Bearer {token}").status_code == 401


@rule(103, "RFC 9449", "7.1")
def test_a_bound_token_passes_with_its_proof_and_never_as_bearer(proxied: ExchangeServer) -> None:
    key = make_key("ES256")
    token = bound_token(proxied, key)
    good = [("dpop", proof(key, token=token))]
    assert pass_by(proxied, f"DPoP {token}", headers=good).status_code == 200
    assert pass_by(proxied, f"Bearer {token}").status_code == 401
    assert pass_by(proxied, f"Bearer {token}", headers=[("dpop", proof(key, token=token))]).status_code == 401
    assert pass_by(proxied, f"DPoP {token}").status_code == 401
    assert pass_by(proxied, f"DPoP {token}", headers=good).status_code == 401, "a proof is good once"


@rule(100, "RFC 9449", "7.1")
@pytest.mark.parametrize(
    "wrong", [{"method": "POST"}, {"url": "https://evil.example/"}, {"ath": "x"}, {"iat": 1}, {"htu": None}]
)
def test_a_proof_for_something_else_does_not_do(proxied: ExchangeServer, wrong: dict[str, Any]) -> None:
    key = make_key("ES256")
    token = bound_token(proxied, key)
    answer = pass_by(proxied, f"DPoP {token}", headers=[("dpop", proof(key, token=token, **wrong))])
    assert answer.status_code == 401
    assert 'algs="ES256' in answer.headers.get_list("www-authenticate")[1]
    other = make_key("ES256")
    assert pass_by(proxied, f"DPoP {token}", headers=[("dpop", proof(other, token=token))]).status_code == 401


@rule(154, "RFC 9700", "4.13")
def test_the_original_request_is_believed_of_a_proxy_of_ours_only(server: ExchangeServer) -> None:
    """This server trusts no proxy: anybody could claim to hold back the request that a stolen proof was made for."""
    key = make_key("ES256")
    token = bound_token(server, key)
    assert pass_by(server, f"DPoP {token}", headers=[("dpop", proof(key, token=token))]).status_code == 401


@pytest.mark.parametrize(
    "query", [{"audience": ""}, {"audience": [LEDGER, REPORTS]}, {"scope": 'a"b'}, {"scope": "a\r\nb"}]
)
def test_a_gateway_that_does_not_say_what_for_is_told_so(server: ExchangeServer, query: dict[str, Any]) -> None:
    answer = pass_by(server, f"Bearer {issued(server)}", query=query)
    assert (answer.status_code, answer.text.startswith("Cannot verify")) == (400, True)


def test_only_get_is_answered(server: ExchangeServer) -> None:
    assert server.http.post("/oauth/verify").status_code == 405
