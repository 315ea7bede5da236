"""Words for every reason and every step, in the house's voice."""

from __future__ import annotations

import re

import pytest

from exchange.protocol.errors import WIRE
from policy.reasons import Reason, Rule
from portal.explanations.words import EXPLANATIONS, GROUPS, RULES, UNKNOWN, explain

AVOIDED = re.compile(r"\b(invalid|please|sorry|oops|forbidden|error|failed to)\b", re.IGNORECASE)


def test_every_reason_and_every_step_has_words() -> None:
    assert set(EXPLANATIONS) == set(Reason)
    assert set(RULES) == set(Rule)
    assert {reason.partition(".")[0] for reason in Reason} == set(GROUPS)


@pytest.mark.parametrize("reason", list(Reason))
def test_an_explanation_says_what_happened_and_what_to_do(reason: Reason) -> None:
    words = explain(reason)
    assert len(str(words.title)) <= 40
    assert str(words.why).endswith(".")
    assert str(words.remedy).endswith(".")
    assert not AVOIDED.search(f"{words.title} {words.why} {words.remedy}")


def test_the_caller_is_never_told_our_reasons() -> None:
    told = {error.description for error in WIRE.values()}
    assert told.isdisjoint(str(words.why) for words in EXPLANATIONS.values())


def test_a_reason_of_a_newer_version_is_no_fault() -> None:
    assert explain("policy.from_the_future") is UNKNOWN
