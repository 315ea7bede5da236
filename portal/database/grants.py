"""What the application's database role may do: everything it needs, and in the audit trail only insert and select.

Granted by the owner of the tables after every ``migrate``, and looked up again by the deploy check: what counts is what
the role really holds, also when an administrator granted more by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from portal.database.connections import CONNECT_TIMEOUT_SECONDS, connection_parameters

EVERYDAY: Final = "SELECT, INSERT, UPDATE, DELETE"
RIGHTS: Final = {
    "audit_event": "SELECT, INSERT",
    "audit_pending": "SELECT, INSERT",
    "audit_countedspan": "SELECT, INSERT",
    "audit_useofspan": "SELECT, INSERT",
    "audit_outcomeofhour": "SELECT, INSERT",
    "django_migrations": "SELECT",
}
"""The tables that get less than the everyday rights. A partition gets none: rights on its parent are what counts."""

TABLES: Final = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""

EXCESS: Final = """
    SELECT privilege || ' on ' || relname
    FROM pg_class, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
      AND (privilege = 'TRUNCATE' OR relispartition OR starts_with(relname, 'audit_'))
      AND has_table_privilege(pg_class.oid, privilege)
    UNION ALL
    SELECT 'membership of the owner ' || relowner::regrole
    FROM pg_class WHERE oid = to_regclass('audit_event') AND pg_has_role(relowner, 'MEMBER')
    ORDER BY 1
"""


class RoleMissing(Exception):
    """The application's role does not exist in the database; the message says how to make it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a role really holds. ``excess`` names, in words, what it must not have."""

    role: str
    excess: tuple[str, ...]
    synchronous_commit: str
    server_version: int


def apply(owner_url: str, application_url: str) -> None:
    """Give the role of ``application_url`` its rights, and take away all others. Idempotent, in one transaction.

    Raises ``RoleMissing``.
    """
    role = connection_parameters(application_url)["user"]
    with psycopg.connect(owner_url) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
            raise RoleMissing(
                f"The database role {role} of DATABASE_URL does not exist. An administrator of the database makes it:"
                f' CREATE ROLE "{role}" LOGIN PASSWORD ...'
            )
        if connection.execute("SELECT current_user").fetchone() != (role,):
            # An owner's rights cannot be narrowed: one role for both is what the deploy check then reports.
            _grant(connection, sql.Identifier(role))


def _grant(connection: psycopg.Connection, role: sql.Identifier) -> None:
    connection.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}, PUBLIC").format(role))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
    connection.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role))
    connection.execute(sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}").format(role))
    for (table,) in connection.execute(TABLES).fetchall():
        rights = sql.SQL(RIGHTS.get(table, EVERYDAY))
        connection.execute(sql.SQL("GRANT {} ON {} TO {}").format(rights, sql.Identifier(table), role))


def held(url: str) -> Held:
    """What the role of this URL holds, asked of the database as that role. Raises ``psycopg.OperationalError``."""
    with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
        settings = "SELECT current_user, current_setting('synchronous_commit')"
        role, synchronous_commit = connection.execute(settings).fetchone() or ("", "")
        return Held(
            role=role,
            excess=tuple(name for (name,) in connection.execute(EXCESS)),
            synchronous_commit=synchronous_commit,
            server_version=connection.info.server_version,
        )
