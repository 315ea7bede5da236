"""The malformed requests, tokens and assertions of ``tests/vectors``, one after the other, over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.attacks import attack
from tests.cases import cases, filled
from tests.oracle import refused

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer

TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"
LONG = {"long": "l" * 256, "huge": "h" * 8192, "large": "a" * 16_385}


@attack("A13", "A18")
@pytest.mark.parametrize("case", cases("requests"))
def test_a_malformed_request_gets_its_documented_error(server: ExchangeServer, case: dict[str, Any]) -> None:
    response = server.exchange(**filled(case["change"], us=server.url, **LONG))
    refused(server, response, case["error"], case["reason"])


@attack("A4", "A5", "A6", "A9", "A10", "A11", "A12", "A13")
@pytest.mark.parametrize("case", cases("subject_tokens"))
def test_a_subject_token_that_will_not_do_gets_its_documented_error(
    server: ExchangeServer, case: dict[str, Any]
) -> None:
    header, claims = filled(case.get("header", {}), **LONG), filled(case.get("claims", {}), us=server.url, **LONG)
    token = server.world.idp.subject_token(claims.pop("aud", server.url), header=header, **claims)
    declared = TOKEN_TYPE + case.get("declared", "access_token")
    response = server.exchange(subject_token=token, subject_token_type=declared)
    refused(server, response, case["error"], case["reason"])


@attack("A15")
@pytest.mark.parametrize("case", cases("assertions"))
def test_a_client_assertion_that_will_not_do_gets_its_documented_error(
    server: ExchangeServer, case: dict[str, Any]
) -> None:
    header, claims = filled(case.get("header", {}), **LONG), filled(case.get("claims", {}), us=server.url, **LONG)
    assertion = server.world.backend.assertion(claims.pop("aud", server.url), header=header, **claims)
    response = server.exchange(client_assertion=assertion)
    refused(server, response, case["error"], case["reason"])
