"""Mutual TLS at the token endpoint, as a trusted proxy tells of it: RFC 8705 sections 2 and 3, RFC 9440."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from policy.reasons import Reason
from tests.bound_clients import Bound, bound
from tests.certificates import make
from tests.conformance.rules import rule
from tests.oracle import granted, refused
from tests.world import LEDGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exchange_server import ExchangeServer
    from tests.services import Services

METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture(scope="module")
def tls(services: Services, django_db_blocker: Any) -> Iterator[Bound]:
    with bound(services, django_db_blocker) as running:
        yield running


@rule(88, "RFC 8705", "2.1")
@pytest.mark.parametrize("client_id", ["by-name", "by-uri"])
def test_a_client_is_known_by_the_name_its_authority_certified(tls: Bound, client_id: str) -> None:
    answer = granted(tls.server, tls.exchange(client_id, tls.settlement.field))
    assert answer.claims["client_id"] == client_id
    assert answer.event["data"]["credentials"] == {"client_id": client_id, "method": "tls_client_auth"}
    assert "cnf" not in answer.claims
    assert answer.body["token_type"] == "Bearer"


@rule(88, "RFC 8705", "2.1")
@rule(89, "RFC 8705", "2.2")
@pytest.mark.parametrize("client_id", ["by-name", "by-uri", "by-key"])
def test_another_certificate_is_refused(tls: Bound, client_id: str) -> None:
    for other in (make("settlement"), tls.authority.issue("other")):
        response = tls.exchange(client_id, other.field)
        refused(tls.server, response, "invalid_client", Reason.CERTIFICATE_REFUSED)


@rule(89, "RFC 8705", "2.2")
def test_a_self_signed_certificate_is_known_by_its_key(tls: Bound) -> None:
    answer = granted(tls.server, tls.exchange("by-key", tls.self_signed.field))
    assert answer.event["data"]["credentials"]["method"] == "self_signed_tls_client_auth"
    response = tls.exchange("by-name", tls.self_signed.field)
    refused(tls.server, response, "invalid_client", Reason.CERTIFICATE_REFUSED)


@rule(90, "RFC 8705", "2")
def test_the_body_says_who_the_certificate_is_meant_to_be(tls: Bound) -> None:
    response = tls.exchange(None, tls.settlement.field)
    refused(tls.server, response, "invalid_client", Reason.CREDENTIALS_MISSING)
    response = tls.exchange("nobody", tls.settlement.field)
    refused(tls.server, response, "invalid_client", Reason.CLIENT_UNKNOWN)
    response = tls.exchange("kestrel-batch", tls.settlement.field)
    refused(tls.server, response, "invalid_client", Reason.METHOD_NOT_REGISTERED)


@rule(88, "RFC 8705", "2.1")
def test_the_certificate_replaces_no_secret_and_no_secret_the_certificate(tls: Bound) -> None:
    response = tls.with_secret("by-name", client_cert=tls.settlement.field)
    refused(tls.server, response, "invalid_client", Reason.SECRET_WRONG)


@rule(88, "RFC 8705", "2.1")
def test_a_certificate_authenticates_for_the_grants_of_the_toolkit_too(tls: Bound) -> None:
    form = {"grant_type": "authorization_code", "code": "unknown", "redirect_uri": "https://kestrel.example/back"}

    def ask(*certificates: str) -> Any:
        fields = [("client-cert", field) for field in certificates]
        return tls.proxy.post("/oauth/token", data=form | {"client_id": "by-name-code"}, headers=fields)

    assert ask(tls.settlement.field).json()["error"] == "invalid_grant"
    assert ask(make("settlement").field).json()["error"] == "invalid_client"
    assert ask().json()["error"] == "invalid_client"


@rule(88, "RFC 8705", "2.1")
@rule(91, "RFC 8705", "3.2")
def test_a_certificate_authenticates_where_tokens_are_asked_about_and_the_answer_tells_the_binding(tls: Bound) -> None:
    token = granted(tls.server, tls.exchange("by-name-bound", tls.settlement.field)).body["access_token"]

    def ask(certificate: str) -> Any:
        form = {"client_id": "by-name-bound", "token": token}
        return tls.proxy.post("/oauth/introspect", data=form, headers={"client-cert": certificate})

    answer = ask(tls.settlement.field)
    assert (answer.status_code, answer.json()["active"]) == (200, True)
    assert answer.json()["cnf"] == {"x5t#S256": tls.settlement.thumbprint}
    assert ask(make("settlement").field).json()["error"] == "invalid_client"


@rule(94, "RFC 9440", "3")
@rule(94, "RFC 9440", "4")
def test_a_stranger_who_sends_the_field_is_taken_to_send_none(tls: Bound) -> None:
    response = tls.exchange("by-name", tls.settlement.field, through=tls.server.http)
    refused(tls.server, response, "invalid_client", Reason.CREDENTIALS_MISSING)
    auth, fields = tls.server.basic, {"client-cert": "no certificate at all"}
    granted(tls.server, tls.server.http.post("/oauth/token", data=tls.server.form(), auth=auth, headers=fields))


@rule(93, "RFC 9440", "2")
def test_two_certificates_or_a_field_that_cannot_be_read_are_refused(tls: Bound) -> None:
    for fields in ((tls.settlement.field, tls.settlement.field), ("junk",)):
        response = tls.exchange("by-name", *fields)
        refused(tls.server, response, "invalid_request", Reason.CERTIFICATE_MALFORMED)
    response = tls.with_secret("kestrel-batch", client_cert="junk")
    refused(tls.server, response, "invalid_request", Reason.CERTIFICATE_MALFORMED)


@rule(91, "RFC 8705", "3.1")
@pytest.mark.parametrize("client_id", ["by-name-bound", "by-secret-bound"])
def test_the_new_token_is_bound_to_the_certificate_and_stays_a_bearer_token_by_type(tls: Bound, client_id: str) -> None:
    holder = tls.settlement
    response = (
        tls.exchange(client_id, holder.field)
        if client_id == "by-name-bound"
        else tls.with_secret(client_id, client_cert=holder.field)
    )
    answer = granted(tls.server, response)
    assert answer.claims["cnf"] == {"x5t#S256": holder.thumbprint}
    assert answer.body["token_type"] == "Bearer"


@rule(91, "RFC 8705", "3.1")
def test_a_client_held_to_bound_tokens_gets_none_without_a_certificate(tls: Bound) -> None:
    event = refused(tls.server, tls.with_secret("by-secret-bound"), "invalid_request", Reason.CERTIFICATE_MISSING)
    assert event["client"] == "by-secret-bound"


@rule(32, "RFC 8693", "2.1")
def test_a_bound_subject_token_is_good_beside_its_certificate_only_and_the_new_one_is_bound_too(tls: Bound) -> None:
    token = tls.server.world.idp.subject_token(tls.server.url, cnf={"x5t#S256": tls.settlement.thumbprint})
    answer = granted(tls.server, tls.exchange("by-name", tls.settlement.field, subject_token=token))
    assert answer.claims["cnf"] == {"x5t#S256": tls.settlement.thumbprint}
    for certificate in (tls.self_signed.field, None):
        response = tls.with_secret("kestrel-batch", client_cert=certificate, form={"subject_token": token})
        refused(tls.server, response, "invalid_request", Reason.SENDER_CONSTRAINED)


@rule(32, "RFC 8693", "2.1")
@pytest.mark.parametrize("cnf", [{}, {"x5t#S256": ["a"]}, {"jwk": {}}, "abc", {"kid": "a"}], ids=str)
def test_a_confirmation_that_nothing_in_the_request_can_prove_is_refused(tls: Bound, cnf: Any) -> None:
    token = tls.server.world.idp.subject_token(tls.server.url, cnf=cnf)
    response = tls.exchange("by-name", tls.settlement.field, subject_token=token)
    refused(tls.server, response, "invalid_request", Reason.SENDER_CONSTRAINED)


@rule(83, "RFC 8414", "2")
@rule(84, "RFC 8414", "2")
def test_the_metadata_tells_of_certificates_only_where_a_proxy_can(tls: Bound, server: ExchangeServer) -> None:
    methods = {"tls_client_auth", "self_signed_tls_client_auth"}
    with_proxy, without = tls.server.http.get(METADATA).json(), server.http.get(METADATA).json()
    assert methods <= set(with_proxy["token_endpoint_auth_methods_supported"])
    assert with_proxy["tls_client_certificate_bound_access_tokens"] is True
    assert with_proxy["mtls_endpoint_aliases"]["token_endpoint"] == with_proxy["token_endpoint"]
    assert not methods & set(without["token_endpoint_auth_methods_supported"])
    assert not {"tls_client_certificate_bound_access_tokens", "mtls_endpoint_aliases"} & without.keys()


@rule(92, "RFC 8705", "3")
def test_a_gateway_lets_a_bound_token_pass_with_its_certificate_alone(tls: Bound) -> None:
    holder, other = tls.settlement.field, tls.authority.issue("other").field
    token = granted(tls.server, tls.exchange("by-name-bound", holder)).body["access_token"]

    def ask(client: Any, *certificates: str) -> int:
        fields = [("authorization", f"Bearer {token}"), *(("client-cert", field) for field in certificates)]
        answer = client.get("/oauth/verify", params={"audience": LEDGER}, headers=fields)
        return int(answer.status_code)

    assert ask(tls.proxy, holder) == 200
    assert ask(tls.proxy, other) == 401
    assert ask(tls.proxy) == 401
    assert ask(tls.server.http, holder) == 401, "a field that no proxy of ours sent counts as absent"
