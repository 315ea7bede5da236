"""The gate before outbound calls: how many at a time, one per source, and none to an origin that keeps failing."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from exchange.breakers import FAILURES, PAUSE_SECONDS, PLACES, Gate, NotAdmitted

ORIGIN = "https://idp.example"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def broken(clock: Clock) -> Gate:
    gate = Gate(clock=clock)
    for _ in range(FAILURES):
        gate.failed(ORIGIN)
    return gate


def test_a_second_call_for_the_same_source_is_not_admitted_until_the_first_ends() -> None:
    gate = Gate()
    with gate.admit("a", ORIGIN, patience=0):
        with pytest.raises(NotAdmitted, match="same key source"), gate.admit("a", ORIGIN, patience=0):
            pass
        with gate.admit("b", ORIGIN, patience=0):
            pass
    with gate.admit("a", ORIGIN, patience=0):
        pass


def test_a_ninth_call_is_not_admitted_and_leaves_nothing_behind() -> None:
    gate = Gate()
    with ExitStack() as stack:
        for number in range(PLACES):
            stack.enter_context(gate.admit(str(number), ORIGIN, patience=0))
        with pytest.raises(NotAdmitted, match="under way"), gate.admit("late", ORIGIN, patience=0.01):
            pass
    with gate.admit("late", ORIGIN, patience=0):
        pass


def test_an_origin_is_left_alone_after_five_failures_and_others_are_not() -> None:
    gate = broken(Clock())
    with pytest.raises(NotAdmitted, match="left alone"), gate.admit("a", ORIGIN, patience=0):
        pass
    with gate.admit("a", "https://other.example", patience=0):
        pass


def test_one_call_at_a_time_tries_an_origin_after_the_pause() -> None:
    clock = Clock()
    gate = broken(clock)
    clock.now += PAUSE_SECONDS
    with gate.admit("a", ORIGIN, patience=0), pytest.raises(NotAdmitted), gate.admit("b", ORIGIN, patience=0):
        pass


def test_a_failed_trial_closes_the_origin_for_another_pause() -> None:
    clock = Clock()
    gate = broken(clock)
    clock.now += PAUSE_SECONDS
    with gate.admit("a", ORIGIN, patience=0):
        gate.failed(ORIGIN)
    clock.now += PAUSE_SECONDS - 1
    with pytest.raises(NotAdmitted), gate.admit("a", ORIGIN, patience=0):
        pass


def test_an_answer_forgets_the_failures() -> None:
    gate = Gate(clock=Clock())
    for _ in range(FAILURES - 1):
        gate.failed(ORIGIN)
    gate.answered(ORIGIN)
    gate.failed(ORIGIN)
    with gate.admit("a", ORIGIN, patience=0):
        pass
