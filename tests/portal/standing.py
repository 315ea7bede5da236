"""The organisation under test, written once for many tests, each of which sees it as if it had been written for it.

It stands in a database of this worker's own, in a transaction that is never committed. What a test does there ends with
the test. It is written anew before it is so old that its times no longer say what they are about.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

import psycopg
from django.db import connections, transaction

from tests.portal import organisation as organisations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.portal.organisation import Organisation
    from tests.services import Services

FRESH_SECONDS: Final = 15.0
"""How old it may be: its newest exchange is a minute old, and a page that says so must be right."""


class Standing:
    """The organisation, and the connection in whose open transaction it is."""

    def __init__(self, services: Services, name: str) -> None:
        self._services = services
        self._name = name
        self._connection: Any = None
        self._organisation: Organisation | None = None
        self._since = 0.0

    @contextmanager
    def seen(self) -> Iterator[Organisation]:
        """Django's connection is the one that sees it inside; what is written there is gone afterwards."""
        before = connections["default"]
        try:
            connections["default"] = self._fresh(before)
            assert self._organisation is not None
            with _undone(self._connection):
                yield deepcopy(self._organisation)
        finally:
            connections["default"] = before

    def close(self) -> None:
        """End the transaction, with all that is in it."""
        self._organisation = None
        if self._connection is not None and self._connection.connection is not None:
            with suppress(psycopg.Error):
                self._connection.connection.close()

    def _fresh(self, like: Any) -> Any:
        """The connection, and the organisation in it not too old."""
        if self._organisation is None or time.monotonic() - self._since > FRESH_SECONDS or not self._is_whole():
            self.close()
            self._connection = like.copy()
            self._connection.settings_dict["NAME"] = self._name
            self._connection.settings_dict["OPTIONS"].pop("pool", None)
            connections["default"] = self._connection
            _begin(self._connection)
            self._organisation, self._since = organisations.build(), time.monotonic()
        return self._connection

    def _is_whole(self) -> bool:
        """Whether its transaction is as it was begun: a test may have closed the connection."""
        raw = self._connection.connection
        return raw is not None and not raw.closed and len(self._connection.atomic_blocks) == 1


def _begin(connection: Any) -> Any:
    """A block around what a test does, which the code under test takes for no block of its own (Django's TestCase)."""
    block: Any = transaction.atomic(connection.alias)
    block._from_testcase = True
    block.__enter__()
    return block


@contextmanager
def _undone(connection: Any) -> Iterator[None]:
    """What is written inside is looked at as a commit would, and undone."""
    block = _begin(connection)
    try:
        yield
        if not connection.needs_rollback and connection.is_usable():
            connection.check_constraints()
    finally:
        if connection.in_atomic_block:
            connection.set_rollback(True)
        block.__exit__(None, None, None)
