"""What a trail says of a token is worked out once for each token, and never for another one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from exchange import token_facts
from exchange.generations import Generations
from exchange.token_facts import Said, said_of
from policy.tokens import TokenType, VerifiedToken

if TYPE_CHECKING:
    import pytest

TOKEN = VerifiedToken(
    issuer="https://idp.example",
    subject="ada",
    audience=("us",),
    scope=frozenset(),
    claims={"sub": "ada", "rate": 1.5},
    expires_at=datetime(2026, 11, 23, 12, 30, tzinfo=UTC),
    token_type=TokenType.ACCESS_TOKEN,
    algorithm="ES256",
    key_id="k1",
    token_id="t1",
    digest="d1",
)


def test_a_token_is_described_without_its_text_and_with_claims_that_an_event_may_hold() -> None:
    said = said_of(TOKEN)
    assert (said.proof, said.end) == ("ES256 by key k1", "expires 2026-11-23T12:30:00Z")
    assert said.facts == {
        "issuer": "https://idp.example",
        "subject": "ada",
        "jti": "t1",
        "digest": "d1",
        "type": TokenType.ACCESS_TOKEN,
        "alg": "ES256",
        "kid": "k1",
        "claims": {"sub": "ada", "rate": "1.5"},
    }
    assert said_of(replace(TOKEN, key_id="")).proof == "ES256"


def test_the_same_token_is_described_once_and_an_equal_one_anew() -> None:
    other = replace(TOKEN)
    assert said_of(TOKEN) is said_of(TOKEN)
    assert said_of(other) is not said_of(TOKEN)
    assert said_of(other) == said_of(TOKEN)


def test_what_stands_where_another_token_stood_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is used again: a kept description names its token, not only the place where that lay."""
    kept = Generations[int, Said](8)
    kept.keep(id(TOKEN), said_of(replace(TOKEN, subject="eve")))
    monkeypatch.setattr(token_facts, "_said", kept)
    assert said_of(TOKEN).facts["subject"] == "ada"
