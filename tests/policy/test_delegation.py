"""The ``act`` chain and ``may_act``: RFC 8693 sections 4.1 and 4.4, as pure functions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.delegation import FORBIDDEN_IN_ACT, ChainError, actors, extend, is_named_by
from tests.conformance.rules import rule

NAMES = st.sampled_from(["a", "b", "c", "d"])
ACTORS = st.fixed_dictionaries({"sub": NAMES}, optional={"iss": NAMES, "client_id": NAMES, "email": NAMES})


def nested(chain: list[dict[str, Any]]) -> dict[str, Any] | None:
    """A list of actors, newest first, as one ``act`` claim."""
    inner: dict[str, Any] | None = None
    for actor in reversed(chain):
        inner = actor if inner is None else {**actor, "act": inner}
    return inner


@rule(39, "RFC 8693", "4.1")
@given(actor=ACTORS, previous=st.lists(ACTORS, max_size=5))
def test_a_new_actor_is_outermost_and_the_chain_before_is_unchanged(
    actor: dict[str, Any], previous: list[dict[str, Any]]
) -> None:
    chain = extend(actor, nested(previous))
    assert chain.get("act") == nested(previous)
    assert {name: value for name, value in chain.items() if name != "act"} == actor
    assert len(list(actors(chain))) == len(previous) + 1


def test_an_actor_brings_no_chain_of_its_own() -> None:
    assert extend({"sub": "a", "act": {"sub": "evil"}}, None) == {"sub": "a"}
    assert extend({"sub": "a", "act": {"sub": "evil"}}, {"sub": "b"}) == {"sub": "a", "act": {"sub": "b"}}


MALFORMED = {
    "text": "a",
    "a list": [{"sub": "a"}],
    "a number": 1,
    "true": True,
    "an object without sub": {"iss": "x"},
    "a sub that is no text": {"sub": 7},
    "an inner one without sub": {"sub": "a", "act": {"iss": "x"}},
    "an inner one that is text": {"sub": "a", "act": "b"},
    **{f"one with {name}": {"sub": "a", name: 1} for name in sorted(FORBIDDEN_IN_ACT)},
    "an inner one with exp": {"sub": "a", "act": {"sub": "b", "exp": 1}},
}


@rule(38, "RFC 8693", "4.1")
@pytest.mark.parametrize("act", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_chain_holds_objects_with_a_subject_and_identity_claims_only(act: Any) -> None:
    with pytest.raises(ChainError):
        list(actors(act))


NAMED = {
    "the subject alone": ({"sub": "a"}, True),
    "subject and issuer": ({"sub": "a", "iss": "x"}, True),
    "all three": ({"sub": "a", "iss": "x", "client_id": "c"}, True),
    "a member nobody compares": ({"sub": "a", "email": "a@example"}, True),
    "another subject": ({"sub": "b"}, False),
    "another issuer": ({"sub": "a", "iss": "y"}, False),
    "another client": ({"sub": "a", "client_id": "d"}, False),
    "no issuer, where one is named as null": ({"sub": "a", "iss": None}, False),
    "nobody": ({}, False),
    "an issuer and no subject": ({"iss": "x"}, False),
    "a list of subjects": ({"sub": ["a"]}, False),
    "text": ("a", False),
    "a list of objects": ([{"sub": "a"}], False),
    "true": (True, False),
}


@rule(41, "RFC 8693", "4.4")
@pytest.mark.parametrize(("may_act", "named"), NAMED.values(), ids=NAMED.keys())
def test_may_act_names_exactly_whom_its_members_describe(may_act: Any, *, named: bool) -> None:
    assert is_named_by(may_act, {"sub": "a", "iss": "x", "client_id": "c"}) is named


@given(may_act=ACTORS, actor=ACTORS, member=st.sampled_from(["sub", "iss", "client_id"]), value=NAMES)
def test_one_more_member_in_may_act_never_names_more_actors(
    may_act: dict[str, Any], actor: dict[str, Any], member: str, value: str
) -> None:
    if member not in may_act and is_named_by({**may_act, member: value}, actor):
        assert is_named_by(may_act, actor)
