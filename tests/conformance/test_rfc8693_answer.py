"""What an exchange answers, yes and no: RFC 8693 sections 2.2, 4.2, 4.3 and 6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.oracle import granted, refused
from tests.world import ACCESS_TOKEN, LEDGER

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer

CLAIMS = {"iss", "sub", "aud", "exp", "iat", "jti", "client_id", "src", "txn", "fam", "scope"}


@rule(50, "RFC 8693", "2.2.1")
@rule(51, "RFC 8693", "2.2.1")
@rule(52, "RFC 8693", "2.2.1")
def test_the_answer_has_exactly_the_five_members(server: ExchangeServer) -> None:
    body = granted(server, server.exchange()).body
    assert body.keys() == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert (body["issued_token_type"], body["token_type"]) == (ACCESS_TOKEN, "Bearer")


@rule(52, "RFC 8693", "2.2.1")
def test_no_refresh_token_is_issued_whatever_is_asked(server: ExchangeServer) -> None:
    response = server.exchange(scope="ledger.read offline_access")
    refused(server, response, "invalid_scope", Reason.SCOPE_UNKNOWN)
    assert "refresh_token" not in granted(server, server.exchange(access_type="offline")).body


@rule(53, "RFC 8693", "2.2.2")
@pytest.mark.parametrize("token", ["a.b.c", "", "x" * 100, "eyJhbGciOiJub25lIn0.e30."])
def test_a_bad_subject_token_is_never_invalid_grant(server: ExchangeServer, token: str) -> None:
    response = server.exchange(subject_token=token)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


PROBES: dict[str, dict[str, Any]] = {
    "an unknown target": {"audience": "https://unknown.example"},
    "a scope of nobody": {"scope": "secret.scope"},
    "a token of a stranger": {"claims": {"iss": "https://stranger.example"}},
    "a token of another tier": {"claims": {"tier": "tin-tier"}},
    "an expired token": {"claims": {"iat": 1000000000, "exp": 1000000300}},
    "a token for somebody else": {"claims": {"aud": "https://somebody.example"}},
}


@rule(54, "RFC 8693", "2.2.2")
@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES.keys())
def test_a_refusal_says_what_to_do_and_nothing_of_policy_or_of_what_came(
    server: ExchangeServer, probe: dict[str, Any]
) -> None:
    changes = dict(probe)
    claims = changes.pop("claims", {})
    response = server.exchange(subject_token=server.world.idp.subject_token(server.url, **claims), **changes)
    assert response.status_code == 400
    words, _, reference = response.json()["error_description"].rpartition(" Reference ")
    assert reference == f"{response.headers['x-correlation-id']}."
    for telling in (
        "unknown.example",
        "stranger",
        "tin-tier",
        "gold",
        "secret.scope",
        "1000000",
        "somebody",
        "kestrel",
    ):
        assert telling not in words
    steps = server.event(response)["data"]["steps"]
    assert steps[-1][1] in {"refused", "fault"}


@rule(55, "RFC 8693", "4.2")
@rule(55, "RFC 8693", "4.3")
def test_scope_is_one_string_and_client_id_is_who_asked(server: ExchangeServer) -> None:
    claims = granted(server, server.exchange(scope="ledger.write ledger.read")).claims
    assert claims["scope"] == "ledger.read ledger.write"
    assert claims["client_id"] == "kestrel-backend"


@rule(57, "RFC 8693", "6")
def test_a_token_says_no_more_of_a_person_than_it_must(server: ExchangeServer) -> None:
    private: dict[str, Any] = {
        "email": "ada@kestrel.example",
        "name": "Ada",
        "groups": ["payroll"],
        "address": {"city": "Oslo"},
    }
    token = server.world.idp.subject_token(server.url, **private)
    claims = granted(server, server.exchange(subject_token=token)).claims
    assert claims.keys() == CLAIMS
    assert claims["src"] == {"iss": "https://idp.kestrel.example", "sub": "user-1"}
    assert claims["aud"] == LEDGER


@rule(57, "RFC 8693", "6")
def test_no_log_line_holds_a_token_or_a_secret(server: ExchangeServer) -> None:
    token, assertion = server.world.idp.subject_token(server.url), server.world.backend.assertion(server.url)
    issued = granted(server, server.exchange(subject_token=token, client_assertion=assertion)).body["access_token"]
    refused(server, server.exchange(subject_token=token + "!"), "invalid_request", Reason.TOKEN_MALFORMED)
    response = server.exchange(auth=("kestrel-batch", f"{server.world.secret}x"), subject_token=token)
    event = refused(server, response, "invalid_client", Reason.SECRET_WRONG)
    log = server.output.read_text(encoding="utf-8")
    assert event["correlation_id"] in log
    for secret in (token, assertion, issued, server.world.secret):
        assert secret.rpartition(".")[2] not in log
