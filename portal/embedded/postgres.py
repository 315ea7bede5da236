"""PostgreSQL 18 from its wheel: made once, reached only through a socket in a private directory.

Every local connection is trusted, because only the owner of the socket's directory (and root) can open one. There is no
TCP. For evaluation and tests; production brings its own server by ``DATABASE_URL``.
"""

from __future__ import annotations

import shutil
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from portal.embedded.addresses import APPLICATION, DATABASE, OWNER, SUPERUSER, database_url
from portal.embedded.processes import Program, service_environment

if TYPE_CHECKING:
    from pathlib import Path

    from portal.embedded.directories import Places

SIGNALS: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
"""Fast shutdown, then immediate shutdown (the next start replays the log), then nothing to be polite about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """One embedded server. ``is_durable=False`` turns fsync off: for tests, whose data may die with the machine."""

    places: Places
    programs: Path
    log: Path
    is_durable: bool = True

    @property
    def cluster(self) -> Path:
        """The data directory proper."""
        return self.places.data / "cluster"

    def url(self, role: str, database: str = DATABASE) -> str:
        """A connection URL for a role."""
        return database_url(self.places.sockets, role, database)

    def is_made(self) -> bool:
        """Whether ``initdb`` finished here once."""
        return (self.cluster / "PG_VERSION").exists()

    def making(self) -> Program:
        """The program that makes the data directory under another name, so that half a one is never taken for it."""
        unfinished = self.places.data / "cluster.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = (f"--username={SUPERUSER}", "--auth=trust", "--encoding=UTF8", "--no-instructions")
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        sync = () if self.is_durable else ("--no-sync",)
        return self._program("initdb", f"--pgdata={unfinished}", *options, *locale, *sync)

    def made(self) -> None:
        """Put the finished data directory in its place."""
        (self.places.data / "cluster.new").rename(self.cluster)

    def serving(self) -> Program:
        """The server itself."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.places.sockets),
            "unix_socket_permissions": "0700",
            "fsync": "on" if self.is_durable else "off",
            "full_page_writes": "on" if self.is_durable else "off",
            "max_wal_size": "1GB" if self.is_durable else "256MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return self._program("postgres", "-D", str(self.cluster), *options)

    def is_ready(self) -> bool:
        """Whether it accepts a connection."""
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def make_roles(self) -> None:
        """The two roles and the database, where they are missing: the owner of the tables, and the application."""
        with self._connect() as connection:
            known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
            for role in (OWNER, APPLICATION):
                if role not in known:
                    connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            self._make_database(connection)

    def _make_database(self, connection: psycopg.Connection) -> None:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            statement = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True, connect_timeout=2)

    def _program(self, name: str, *arguments: str) -> Program:
        return Program(
            name="postgres",
            command=(str(self.programs / name), *arguments),
            environment=service_environment(self.places.var),
            directory=self.places.data,
            log=self.log,
            account=self.places.account,
            signals=SIGNALS,
        )
