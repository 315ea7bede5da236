"""Requests that came together take each stage together (RFC 8693 is answered as before; docs/decisions/0028).

A stage's code and data are in the processor's caches when the next request needs them; a request that went through all
stages by itself would find at each that the one before had driven them out.
"""

from __future__ import annotations

from types import coroutine
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")


class _Line:
    """How many requests of this process are between two stages."""

    between = 0


_line: Final = _Line()


def on_the_line() -> int:
    """How many requests are between two stages: what they will write belongs to the batch that gathers now."""
    return _line.between


@coroutine
def in_step(value: T) -> Generator[None, None, T]:
    """What a stage established, after every other request of this pass of the event loop has done its stage too."""
    _line.between += 1
    try:
        yield
    finally:  # also where whoever asked is gone
        _line.between -= 1
    return value
