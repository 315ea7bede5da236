"""A ruling that is kept is the one that would be made: whatever it rests on, and nothing else, brings it back."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from exchange import rulings
from exchange.generations import Generations
from exchange.possession import NOTHING
from exchange.rulings import Rulings
from exchange.subjects import establish
from policy.decision import decide
from policy.decision import rule as rule_of
from policy.facts import Actor, Facts, Granted, Refused
from policy.origin import Origin
from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.exchange.judged import Case
from tests.exchange.test_words_of_subjects import ourselves
from tests.policy.examples import (
    LEDGER,
    NOW,
    Asked,
    catalogue,
    make_client,
    make_facts,
    make_mapping,
    make_target,
    make_trust,
)

if TYPE_CHECKING:
    from policy.tokens import EstablishedSubject

SUBJECT = Case().accepted()


def facts(**changes: Any) -> Facts[EstablishedSubject]:
    """The facts of an exchange that is granted; the same objects in all of them but for what is changed."""
    return replace(FACTS, **changes)


FACTS: Facts[Any] = make_facts(subject=replace(SUBJECT, expires_at=NOW + timedelta(hours=1)))


class Counter(Rulings):
    """Rulings, and how many were made."""

    made = 0

    def answer(self, facts: Facts[EstablishedSubject], after: float = 0) -> Granted[EstablishedSubject] | Refused:
        """The decision, which must be the one that is made without remembering."""
        now = NOW + timedelta(seconds=after)
        answer = self.decide(facts, now=now)
        assert answer == decide(facts, now=now)
        return answer


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()

    def counted(facts: Facts[EstablishedSubject]) -> Any:
        counter.made += 1
        return rule_of(facts)

    monkeypatch.setattr(rulings, "rule", counted)
    return counter


def test_the_same_facts_are_judged_once_and_end_by_the_moment(known: Counter) -> None:
    first, later = known.answer(facts()), known.answer(facts(), 30)
    assert isinstance(first, Granted)
    assert isinstance(later, Granted)
    assert later.expires_at - first.expires_at == timedelta(seconds=30)
    assert known.made == 1


@rule(34, "RFC 8693", "2.1")
def test_a_kept_ruling_grants_nothing_once_the_token_has_ended(known: Counter) -> None:
    known.answer(facts())
    ended = known.answer(facts(), 3600)
    assert isinstance(ended, Refused)
    assert ended.reason is Reason.LIFETIME_EXHAUSTED
    assert known.made == 1


CHANGED: dict[str, dict[str, Any]] = {
    "another request": {"request": Asked(audience=(LEDGER,), scope=frozenset())},
    "another subject": {"subject": replace(FACTS.subject)},
    "another client": {"client": make_client()},
    "another trust": {"trust": make_trust()},
    "other mappings": {"mappings": {**FACTS.mappings}},
    "other targets": {"targets": {**FACTS.targets}},
    "another ceiling": {"ceiling": timedelta(seconds=61)},
    "an actor": {"actor": Actor(token=SUBJECT, trust=FACTS.trust)},
    "no trust": {"trust": None},
    "an origin": {"origins": (Origin(client=make_client(), issuer=None, is_trusted=True),)},
}


def test_every_fact_is_changed_in_a_case() -> None:
    read = {field.name for field in fields(Facts)} - {"source"}  # what the source is follows from trust and mappings
    assert {name for changes in CHANGED.values() for name in changes} == read


@pytest.mark.parametrize("case", CHANGED)
def test_whatever_is_another_object_is_judged_anew(known: Counter, case: str) -> None:
    known.answer(facts())
    known.answer(facts(**CHANGED[case]))
    assert known.made == 2
    known.answer(facts())
    known.answer(facts())
    assert known.made <= 3


def test_a_mapping_that_was_withdrawn_grants_no_more(known: Counter) -> None:
    assert isinstance(known.answer(facts()), Granted)
    assert isinstance(known.answer(facts(mappings={})), Refused)


def test_a_refusal_is_not_kept(known: Counter) -> None:
    refused = facts(mappings={})
    known.answer(refused)
    known.answer(refused)
    assert known.made == 2


def test_with_an_actor_or_a_token_of_ours_nothing_is_kept(known: Counter) -> None:
    acting = facts(**CHANGED["an actor"])
    known.answer(acting)
    known.answer(acting)
    assert known.made == 2


def test_a_subject_without_a_token_is_judged_each_time(known: Counter) -> None:
    itself = facts(subject=establish(None, ourselves(), make_client(), NOTHING, now=NOW), trust=None)
    known.answer(itself)
    known.answer(itself)
    assert known.made == 2


def test_two_tokens_that_ask_for_the_same_are_both_kept(known: Counter) -> None:
    for each in (first := facts(), other := facts(subject=replace(FACTS.subject)), first, other):
        known.answer(each)
    assert known.made == 2


def test_old_rulings_make_room(known: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "_kept", Generations(3))
    many = [facts(subject=replace(FACTS.subject)) for _ in range(10)]
    for each in (*many, *many):
        assert isinstance(known.answer(each), Granted)
    assert known.made == 20


def test_a_target_that_was_renamed_is_what_the_token_is_for(known: Counter) -> None:
    renamed = make_target("https://renamed.example")
    known.answer(facts())
    other = facts(
        request=Asked(audience=("https://renamed.example",)),
        targets=catalogue(renamed),
        mappings={renamed.id: (make_mapping(renamed),)},
    )
    answer = known.answer(other)
    assert isinstance(answer, Granted)
    assert answer.audience == ("https://renamed.example",)
