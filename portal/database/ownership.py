"""Working as the owner of the tables: for migrations, partitions and grants, and for nothing else."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg
from django.conf import settings
from django.db import connections

from portal.database.connections import django_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIGRATION_LOCK: Final = 4245
LOCK_TIMEOUT: Final = "2s"


@contextmanager
def as_owner(alias: str = "default") -> Iterator[None]:
    """Django's connection belongs to the owner inside, without the statement timeout of requests.

    A lock timeout stays: a migration that waits for a table also stops everyone who comes after it.
    """
    connection = connections[alias]
    connection.close()
    before = dict(connection.settings_dict)
    connection.settings_dict.update(_owner_database())
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def _owner_database() -> dict[str, object]:
    database = django_database(settings.HANDOVER.database_owner_url)
    options = {name: value for name, value in database["OPTIONS"].items() if name != "pool"}
    return {**database, "OPTIONS": {**options, "options": f"-c lock_timeout={LOCK_TIMEOUT}"}}


@contextmanager
def one_at_a_time(waiting: Callable[[], None]) -> Iterator[None]:
    """A lock in the database, so that nodes that start together migrate one after the other.

    ``waiting`` is called once when another one holds it.
    """
    with psycopg.connect(settings.HANDOVER.database_owner_url, autocommit=True) as connection:
        if connection.execute("SELECT pg_try_advisory_lock(%s)", [MIGRATION_LOCK]).fetchone() != (True,):
            waiting()
            connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        yield
