"""A database with one event in it, for many statements that must be refused there."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from uuid_utils.compat import uuid7

from portal.embedded.addresses import APPLICATION, OWNER
from tests import services as plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

INSERT = """
    INSERT INTO audit_event (id, kind, outcome, reason, client, target, actor, correlation_id, canonical, mac, kek_id,
                             schema_version)
    VALUES (%(id)s, 'exchange.granted', 'granted', '', '', '', '', %(id)s, '{}', '', '', 1)
    RETURNING tableoid::regclass::text
"""


@dataclass(frozen=True, kw_only=True)
class Trail:
    """One event, the partition it lies in, and the two roles one may come as."""

    event_id: UUID
    partition: str
    application_url: str
    owner_url: str

    def is_whole(self) -> bool:
        """Whether the event is still there, as it was written, and still waits for the sealer."""
        with psycopg.connect(self.application_url) as connection:
            query = "SELECT id, kind FROM audit_event JOIN audit_pending ON event_id = id"
            return connection.execute(query).fetchall() == [(self.event_id, "exchange.granted")]


@pytest.fixture(scope="module")
def trail(services: plugin.Services, django_db_blocker: Any) -> Iterator[Trail]:
    name = f"handover_{secrets.token_hex(6)}"
    with django_db_blocker.unblock():
        plugin.make_template(services)
    services.clone(name)
    urls = {role: services.postgres.url(role, name) for role in (APPLICATION, OWNER)}
    event_id = uuid7()
    with psycopg.connect(urls[APPLICATION]) as connection:
        (partition,) = connection.execute(INSERT, {"id": event_id}).fetchone() or ("",)
        connection.execute("INSERT INTO audit_pending (event_id) VALUES (%s)", [event_id])
    yield Trail(event_id=event_id, partition=partition, application_url=urls[APPLICATION], owner_url=urls[OWNER])
    services.drop(name)
