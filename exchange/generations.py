"""A bounded memory of what is cheap to keep and costly to work out, as a verified token is (RFC 7519 section 7.2)."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Generations(Generic[K, V]):
    """At most two generations of ``size`` values: when the younger is full it becomes the older, which is forgotten.

    What is used moves to the younger, so that it stays; no lock and no order to keep, unlike a list of the last used.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._younger: dict[K, V] = {}
        self._older: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._younger) + len(self._older)

    def get(self, key: K) -> V | None:
        """The value that was kept, if it still is."""
        value = self._younger.get(key)
        if value is None and (value := self._older.pop(key, None)) is not None:
            self.keep(key, value)
        return value

    def keep(self, key: K, value: V) -> None:
        """Keep a value, in place of the one of the same key."""
        if len(self._younger) >= self._size:
            self._older, self._younger = self._younger, {}
        self._younger[key] = value
