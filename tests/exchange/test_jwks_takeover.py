"""Rotation or takeover: when a fetched key set replaces the one in force (docs/decisions/0003)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from partners.takeover import CONFIRMED_AFTER, Verdict, judge, kids, same
from tests.signers import make_key, public_jwks

A, B, C, D, E = (public_jwks(make_key())["keys"][0] for _ in range(5))


def verdict(
    held: list[Any], offered: list[Any], pending: list[Any] | None = None, waited: int | None = None
) -> Verdict:
    return judge(held, offered, pending or [], waited=None if waited is None else timedelta(seconds=waited))


@pytest.mark.parametrize("offered", [[A], [A, B]])
def test_the_first_set_is_taken(offered: list[Any]) -> None:
    assert verdict([], offered) is Verdict.TAKEN


def test_an_equal_set_is_the_same_in_any_order() -> None:
    assert verdict([A, B], [B, A]) is Verdict.SAME


@pytest.mark.parametrize("offered", [[A, C], [A], [B], [A, B, C], [B, C, D, E]])
def test_a_set_that_keeps_a_key_is_taken_at_once_whether_it_grows_or_shrinks(offered: list[Any]) -> None:
    assert verdict([A, B], offered) is Verdict.TAKEN


@pytest.mark.parametrize("offered", [[B], [B, C]])
def test_the_only_key_may_be_replaced_without_an_overlap(offered: list[Any]) -> None:
    assert verdict([A], offered) is Verdict.TAKEN


@pytest.mark.parametrize("offered", [[C], [C, D], [C, D, E]])
def test_several_keys_that_vanish_together_are_held_back(offered: list[Any]) -> None:
    assert verdict([A, B], offered) is Verdict.HELD


def test_new_keys_under_the_old_names_are_held_back_too() -> None:
    assert verdict([A, B], [C | {"kid": A["kid"]}, D | {"kid": B["kid"]}]) is Verdict.HELD


def test_a_held_set_waits_for_its_minute_and_is_taken_when_seen_again() -> None:
    minute = int(CONFIRMED_AFTER.total_seconds())
    assert verdict([A, B], [C, D], [D, C], minute - 1) is Verdict.WAITING
    assert verdict([A, B], [C, D], [D, C], minute) is Verdict.TAKEN


def test_another_strange_set_starts_the_wait_anew() -> None:
    assert verdict([A, B], [C, E], [C, D], 3600) is Verdict.HELD


def test_the_old_set_coming_back_is_the_same() -> None:
    assert verdict([A, B], [A, B], [C, D], 30) is Verdict.SAME


def test_a_changed_purpose_is_a_change_although_the_key_is_the_same() -> None:
    renamed = A | {"kid": "other"}
    assert not same([A], [renamed])
    assert verdict([A, B], [renamed, B]) is Verdict.TAKEN
    assert kids([renamed, {name: value for name, value in B.items() if name != "kid"}]) == {"other", ""}
