"""A bounded memory forgets what was not used, and never holds more than it may."""

from __future__ import annotations

from exchange.generations import Generations


def test_what_was_kept_is_found_and_may_be_replaced() -> None:
    memory = Generations[str, int](2)
    assert memory.get("a") is None
    memory.keep("a", 1)
    memory.keep("a", 2)
    assert memory.get("a") == 2
    assert len(memory) == 1


def test_it_never_holds_more_than_two_generations() -> None:
    memory = Generations[int, int](3)
    for number in range(100):
        memory.keep(number, number)
        assert len(memory) <= 6
    assert [number for number in range(100) if memory.get(number) is not None] == [96, 97, 98, 99]


def test_what_is_used_outlives_what_is_not() -> None:
    memory = Generations[str, int](2)
    memory.keep("used", 1)
    for number in range(20):
        memory.keep(str(number), number)
        assert memory.get("used") == 1
