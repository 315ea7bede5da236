"""What a token exchange request may say: RFC 8693 section 2.1, RFC 8707 section 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.oracle import granted, refused
from tests.world import ACCESS_TOKEN, JWT, LEDGER, REPORTS

if TYPE_CHECKING:
    import httpx

    from tests.exchange_server import ExchangeServer

LEDGER_URI = "https://ledger.meridian.example/v1"


def heron(server: ExchangeServer, **changes: Any) -> httpx.Response:
    """An exchange of heron's gateway, whose partner has a default target."""
    token = server.world.heron.services.subject_token(server.url)
    return server.exchange(auth=("heron-gateway", server.world.secret), **{"subject_token": token} | changes)


@rule(16, "RFC 8693", "2.1")
@rule(17, "RFC 8693", "2.1")
@rule(26, "RFC 8693", "2.1")
def test_grant_type_subject_token_and_its_type_are_enough_for_an_authenticated_client(server: ExchangeServer) -> None:
    assert granted(server, heron(server, audience=None)).event["client"] == "heron-gateway"


@rule(18, "RFC 8693", "2.1")
def test_an_actor_token_with_its_type_is_taken(server: ExchangeServer) -> None:
    actor = server.world.heron.services.subject_token(server.url, sub="heron-gateway")
    answer = granted(server, heron(server, actor_token=actor, actor_token_type=JWT))
    assert answer.event["data"]["request"]["actor_token_type"] == JWT


@rule(19, "RFC 8693", "2.1")
@pytest.mark.parametrize("requested", [None, ACCESS_TOKEN, JWT], ids=["none", "access_token", "jwt"])
def test_an_access_token_is_issued_by_default_and_when_asked_for(server: ExchangeServer, requested: str | None) -> None:
    answer = granted(server, heron(server, requested_token_type=requested))
    assert answer.body["issued_token_type"] == ACCESS_TOKEN
    assert answer.header["typ"] == "at+jwt"


@rule(20, "RFC 8693", "2.1")
@rule(67, "RFC 8707", "2")
def test_a_resource_names_a_target_by_its_address(server: ExchangeServer) -> None:
    assert granted(server, heron(server, audience=None, resource=LEDGER_URI)).claims["aud"] == LEDGER


@rule(21, "RFC 8693", "2.1")
def test_audience_and_resource_may_stand_together(server: ExchangeServer) -> None:
    assert granted(server, heron(server, resource=LEDGER_URI)).claims["aud"] == LEDGER


@rule(22, "RFC 8693", "2.1.1")
@rule(67, "RFC 8707", "2")
@pytest.mark.parametrize("second", [REPORTS, "https://unknown.example"], ids=["not mapped", "unknown"])
def test_one_target_that_cannot_be_served_refuses_them_all(server: ExchangeServer, second: str) -> None:
    reason = Reason.TARGET_NOT_MAPPED if second == REPORTS else Reason.TARGET_UNKNOWN
    for targets in ([LEDGER, second], [second, LEDGER]):
        refused(server, heron(server, audience=targets), "invalid_target", reason)


@rule(24, "RFC 8693", "2.1")
def test_the_partners_default_target_serves_a_request_that_names_none(server: ExchangeServer) -> None:
    assert granted(server, heron(server, audience=None)).claims["aud"] == LEDGER


@rule(24, "RFC 8693", "2.1")
def test_without_a_default_a_request_that_names_no_target_is_refused(server: ExchangeServer) -> None:
    event = refused(server, server.exchange(audience=None), "invalid_target", Reason.TARGET_MISSING)
    assert event["target"] == ""


@rule(25, "RFC 8693", "2.1")
@rule(8, "RFC 6749", "5.1")
def test_a_request_without_scope_gets_the_default_and_is_told_so(server: ExchangeServer) -> None:
    answer = granted(server, server.exchange())
    assert answer.body["scope"] == answer.claims["scope"] == "ledger.read"
    assert granted(server, server.exchange(scope="ledger.write")).body["scope"] == "ledger.write"


@rule(49, "RFC 8693", "2.2.1")
@rule(8, "RFC 6749", "5.1")
def test_a_known_scope_that_is_not_granted_is_left_out_and_the_answer_says_so(server: ExchangeServer) -> None:
    answer = granted(server, server.exchange(scope="ledger.read ledger.admin"))
    assert answer.body["scope"] == answer.claims["scope"] == "ledger.read"
    assert ["scope", "narrowed", "ledger.read", "ledger.admin ledger.read"] in answer.event["data"]["steps"]


@rule(49, "RFC 8693", "2.1")
def test_a_scope_the_subject_token_does_not_lead_to_is_not_granted(server: ExchangeServer) -> None:
    token = server.world.idp.subject_token(server.url, scope="reports:read")
    response = server.exchange(subject_token=token, scope="ledger.write")
    refused(server, response, "invalid_scope", Reason.SCOPE_NOT_GRANTED)
    granted(server, server.exchange(subject_token=token, scope="ledger.read"))


@rule(49, "RFC 8693", "2.1")
def test_a_client_gets_no_scope_beyond_its_own(server: ExchangeServer) -> None:
    credentials = ("heron-noscope", server.world.secret)
    token = server.world.heron.services.subject_token(server.url)
    response = server.exchange(auth=credentials, subject_token=token, scope="ledger.read")
    refused(server, response, "invalid_scope", Reason.SCOPE_NOT_GRANTED)
    answer = granted(server, server.exchange(auth=credentials, subject_token=token))
    assert answer.body["scope"] == ""
    assert "scope" not in answer.claims


@rule(53, "RFC 8693", "2.2.2")
def test_a_target_of_others_is_invalid_target_for_this_partner(server: ExchangeServer) -> None:
    refused(server, heron(server, audience=REPORTS), "invalid_target", Reason.TARGET_NOT_MAPPED)
