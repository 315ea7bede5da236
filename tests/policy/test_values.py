"""Secrets that do not print, values fit for a trace, and words that stay what they are."""

from __future__ import annotations

import pickle
import re
import timeit
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.raw import RawToken
from policy.reasons import SHOWN_LENGTH, Reason, Rule, Step, shown

SECRET = "header.payload.signature-of-the-token"


@pytest.mark.parametrize("render", [str, repr, "{}".format, "{!r}".format, "%s".__mod__, lambda token: f"{[token]}"])
def test_a_raw_token_prints_as_its_fingerprint(render: object) -> None:
    text = render(RawToken(SECRET))  # type: ignore[operator]
    assert sha256(SECRET.encode()).hexdigest()[:12] in text
    assert "signature" not in text
    assert "payload" not in text


def test_a_raw_token_is_equal_to_the_same_text_and_reveals_it_when_asked() -> None:
    assert RawToken(SECRET) == RawToken(SECRET) != RawToken("other")
    assert RawToken(SECRET).reveal() == SECRET
    assert len(RawToken(SECRET)) == len(SECRET)
    assert pickle.loads(pickle.dumps(RawToken(SECRET))) == RawToken(SECRET)


def test_a_raw_token_of_unpaired_surrogates_still_has_a_digest() -> None:
    assert len(RawToken("\ud800").digest) == 64


@given(st.text())
def test_a_shown_value_is_one_bounded_line(value: str) -> None:
    text = shown(value)
    assert text.isprintable()
    assert len(text) <= SHOWN_LENGTH


def test_a_long_value_is_cut_and_says_so_at_the_cost_of_what_is_shown() -> None:
    assert shown("a" * SHOWN_LENGTH) == "a" * SHOWN_LENGTH
    assert shown("a" * (SHOWN_LENGTH + 1)) == "a" * (SHOWN_LENGTH - 1) + "…"
    long, short = "\n" * 1_000_000, "\n" * (SHOWN_LENGTH + 1)
    assert cost(long) < 20 * cost(short)


def cost(value: str) -> float:
    return min(timeit.repeat(lambda: shown(value), number=20))


@pytest.mark.parametrize("value", ["a\nb", "a\r\nb", "a\x1b[31mb", "a\x00b", "a\u2028b", "a\x1fb", "a\u202eb"])
def test_a_shown_value_cannot_forge_a_line_or_command_a_terminal(value: str) -> None:
    assert shown(value) in {"a\ufffdb", "a\ufffd\ufffdb", "a\ufffd[31mb"}


def test_what_is_absent_is_shown_as_absent_and_what_is_no_text_as_python_writes_it() -> None:
    assert shown(None) == "absent"
    assert shown({"sub": 1}) == "{'sub': 1}"


def test_reasons_and_rules_are_stable_words() -> None:
    assert all(re.fullmatch("[a-z]+\\.[a-z_]+", reason) for reason in Reason)
    assert next(iter(Rule)) is Rule.REQUEST
    assert list(Rule)[-1] is Rule.RECORD


def test_a_step_cannot_be_edited_afterwards() -> None:
    step = Step(Rule.SCOPE, "passed", "", "")  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        step.received = "other"  # type: ignore[misc]
