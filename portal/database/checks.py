"""Deploy checks of the stores: what the application's role really holds, and versions that are too old.

They run with ``manage.py check --deploy --database default``, since they ask the servers themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from redis import Redis
from redis.exceptions import RedisError

from portal.database import grants

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OLDEST_POSTGRES: Final = 15
OLDEST_REDIS: Final = 7


@register(Tags.database, deploy=True)
def check_database(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """The audit trail is append-only for the role we use, and a commit means that the row is on disk."""
    if not databases:
        return []
    try:
        held = grants.held(settings.HANDOVER.database_url)
    except psycopg.OperationalError as error:
        return [Error(f"The database of DATABASE_URL cannot be asked: {error}", id="handover.E044")]
    return [*_role_problems(held), *_server_problems(held)]


def _role_problems(held: grants.Held) -> Iterator[CheckMessage]:
    if held.excess:
        yield Error(
            f"The database role {held.role} may change what it must only add to: {', '.join(held.excess)}.",
            hint="Give DATABASE_URL a role of its own, which does not own the tables, and run `manage.py migrate`:"
            " it grants what is needed and revokes the rest.",
            id="handover.E040",
        )
    if held.synchronous_commit == "off":
        yield Error(
            "synchronous_commit is off: a token could be answered whose audit event a crash then loses.",
            hint=f"ALTER ROLE {held.role} SET synchronous_commit = on;",
            id="handover.E041",
        )


def _server_problems(held: grants.Held) -> Iterator[CheckMessage]:
    if held.server_version // 10_000 < OLDEST_POSTGRES:
        yield Error(
            f"PostgreSQL {held.server_version // 10_000} is too old.",
            hint=f"Use PostgreSQL {OLDEST_POSTGRES} or newer.",
            id="handover.E042",
        )


@register(Tags.database, deploy=True)
def check_redis(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """Redis is new enough; the embedded demo brings an older one, which is fine for a demo."""
    if not databases or settings.HANDOVER.demo:
        return []
    try:
        with Redis.from_url(settings.HANDOVER.redis_url, socket_timeout=2) as client:
            version = str(client.info("server")["redis_version"])
    except RedisError as error:
        return [Error(f"The Redis of REDIS_URL cannot be asked: {error}", id="handover.E045")]
    if int(version.partition(".")[0]) >= OLDEST_REDIS:
        return []
    return [Error(f"Redis {version} is too old.", hint=f"Use Redis {OLDEST_REDIS} or newer.", id="handover.E043")]
