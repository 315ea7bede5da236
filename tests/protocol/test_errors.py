"""What the caller is told: every reason has its words, and the words tell nothing they must not."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from exchange.protocol.errors import WIRE, OAuthError, refusal
from exchange.protocol.response import failure
from policy.reasons import Reason, Rule
from tests.conformance.rules import rule

ERRORS = {
    *("invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"),
    *(
        "invalid_target",
        "invalid_dpop_proof",
        "use_dpop_nonce",
        "invalid_grant",
        "slow_down",
        "temporarily_unavailable",
        "server_error",
    ),
    *("authorization_pending", "access_denied", "expired_token"),  # RFC 8628 section 3.5
}
ALLOWED = {chr(code) for code in range(0x20, 0x7F)} - {'"', "\\"}

UNANSWERED = {Reason.KEYS_UNAVAILABLE, Reason.INTROSPECTION_FAILED}
"""Nobody knows yet whether the token is good, since its issuer cannot be reached (rule 157)."""


def test_every_reason_has_its_words_and_no_words_are_without_a_reason() -> None:
    assert set(WIRE) == set(Reason)


@rule(10, "RFC 6749", "5.2")
@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_an_error_is_registered_and_described_in_allowed_characters(reason: Reason) -> None:
    error = WIRE[reason]
    assert error.error in ERRORS
    assert set(error.description) <= ALLOWED
    assert reason.value not in error.description
    assert 400 <= error.status < 500 or reason.startswith("server.") or reason in UNANSWERED


@rule(54, "RFC 8693", "2.2.2")
@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_a_body_says_error_and_description_with_its_reference_and_nothing_of_the_trace(reason: Reason) -> None:
    reference = str(uuid4())
    answer = failure(refusal(reason, Rule.SCOPE, "expected-by-policy", "received-value"), reference)
    body = json.loads(answer.body)
    assert set(body) == {"error", "error_description"}
    assert body["error_description"].endswith(f" Reference {reference}.")
    assert b"policy" not in answer.body
    assert b"received-value" not in answer.body
    assert (b"cache-control", b"no-store") in answer.headers


@rule(7, "RFC 6749", "5.2")
def test_every_way_to_fail_authentication_reads_the_same() -> None:
    words = {(e.error, e.status, e.description) for reason, e in WIRE.items() if e.error == "invalid_client"}
    assert len(words) == 1


@rule(53, "RFC 8693", "2.2.2")
def test_every_trouble_with_a_subject_or_actor_token_is_invalid_request() -> None:
    tokens = {reason for reason in Reason if reason.startswith("token.")} - UNANSWERED
    assert {WIRE[reason].error for reason in tokens} == {"invalid_request"}
    assert {WIRE[reason].status for reason in tokens} == {400}


@rule(7, "RFC 6749", "5.2")
def test_a_challenge_is_sent_only_with_401_and_only_if_the_header_was_used() -> None:
    def challenge(error: OAuthError) -> bytes | None:
        return dict(failure(error, str(uuid4())).headers).get(b"www-authenticate")

    assert (challenge(refusal(Reason.SECRET_WRONG, Rule.CLIENT, challenge=True)) or b"").startswith(b"Basic realm=")
    assert challenge(refusal(Reason.SECRET_WRONG, Rule.CLIENT)) is None
    assert challenge(refusal(Reason.GRANT_TYPE_NOT_ALLOWED, Rule.CLIENT, challenge=True)) is None


@pytest.mark.parametrize("reason", [r for r in Reason if WIRE[r].status in {405, 503}], ids=str)
def test_the_headers_say_what_to_do_instead(reason: Reason) -> None:
    headers = dict(failure(WIRE[reason](reason), str(uuid4())).headers)
    assert headers.get(b"allow") == (b"POST" if WIRE[reason].status == 405 else None)
    assert (b"retry-after" in headers) == (WIRE[reason].status == 503)
