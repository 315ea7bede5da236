"""Which worker runs which test: whole files, longest first, and every file that is named is there."""

from __future__ import annotations

import re

import pytest

from tests.distribution import APART, DURABLE, FIRST, PAIRED, TOGETHER, rank_of, unit_of
from tests.house.sources import ROOT


def test_every_place_that_is_named_exists() -> None:
    named = {*FIRST, *APART, *(place for places in TOGETHER for place in places)}
    assert [place for place in sorted(named) if not (ROOT / place).exists()] == []


def test_a_file_stays_with_one_worker() -> None:
    assert unit_of("tests/api/test_calls.py::test_one[case]") == unit_of("tests/api/test_calls.py::test_other")
    assert unit_of("tests/api/test_calls.py::test_one") != unit_of("tests/api/test_lists.py::test_one")


@pytest.mark.parametrize("places", TOGETHER, ids=["durable", "paired"])
def test_files_that_share_what_is_long_in_the_making_stay_together(places: tuple[str, ...]) -> None:
    assert len({unit_of(f"{place}::test_one") for place in places}) == 1


@pytest.mark.parametrize("file", APART)
def test_long_tests_that_share_nothing_are_handed_out_one_by_one(file: str) -> None:
    assert unit_of(f"{file}::test_one") != unit_of(f"{file}::test_other")


@pytest.mark.parametrize(("fixture", "kind", "places"), [("durable", "OwnServices", DURABLE), ("pair", "Pair", PAIRED)])
def test_every_file_that_asks_for_what_is_shared_is_named(fixture: str, kind: str, places: tuple[str, ...]) -> None:
    texts = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    }
    asking = {name for name, text in texts.items() if re.search(rf"\b{fixture}: {kind}\b", text)}
    assert asking
    assert [name for name in sorted(asking) if not name.startswith(places)] == []


def test_what_takes_longest_is_begun_first_and_the_rest_keeps_its_order() -> None:
    drawn = ["tests/policy/b.py::t", f"{FIRST[1]}::t", "tests/policy/a.py::t", f"{FIRST[0]}::t"]
    assert sorted(drawn, key=rank_of) == [drawn[3], drawn[1], drawn[0], drawn[2]]
