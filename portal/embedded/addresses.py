"""How the embedded services are found: names of sockets, roles and databases, and the URLs made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

POSTGRES_SOCKET: Final = ".s.PGSQL.5432"
REDIS_SOCKET: Final = "redis.sock"

SUPERUSER: Final = "postgres"
OWNER: Final = "handover_owner"
APPLICATION: Final = "handover"
DATABASE: Final = "handover"


def database_url(sockets: Path, role: str, database: str = DATABASE) -> str:
    """A connection URL for a role. There is no password in it, for there is none."""
    return f"postgresql://{role}@/{database}?host={quote(str(sockets), safe='')}"


def redis_url(sockets: Path, number: int = 0) -> str:
    """A connection URL for one of the databases of Redis."""
    return f"unix://{sockets / REDIS_SOCKET}?db={number}"
