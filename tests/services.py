"""Real PostgreSQL and Redis for a test run, as a pytest plugin (``-p tests.services``).

One server of each per run, in a private temporary directory, whoever ends the run and however. Each xdist worker has a
database of its own (and a Redis number), cloned from a template that is migrated once; tests connect as the
application's role, so what the role may not do fails here too.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import shutil
import tempfile
import time
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from psycopg import sql

from portal.embedded import accounts, binaries, directories, processes
from portal.embedded.addresses import APPLICATION, OWNER, SUPERUSER
from portal.embedded.postgres import Postgres
from portal.embedded.redis import Redis
from portal.embedded.stopping import Group, stop
from portal.embedded.watchdog import Watchdog
from tests import in_memory

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Generator, Iterator

RUN: Final = "HANDOVER_TEST_SERVICES"
"""Tells xdist's workers, who inherit the environment, what their controller started."""

TEMPLATE: Final = "handover_template"
TEMPLATE_LOCK: Final = 4244
START_SECONDS: Final = 60.0


class Services:
    """The servers of this run, as every process of the run knows them."""

    def __init__(self, *, postgres: Postgres, redis: Redis) -> None:
        self.postgres = postgres
        self.redis = redis

    def environment(self, worker: str) -> dict[str, str]:
        """What a worker's Django (and every program its tests start) is configured with."""
        number = int(worker.removeprefix("gw")) if worker.startswith("gw") else 0
        return {
            "DATABASE_URL": self.postgres.url(APPLICATION, f"handover_{worker}"),
            "DATABASE_OWNER_URL": self.postgres.url(OWNER, f"handover_{worker}"),
            "REDIS_URL": self.redis.url(number),
        }

    def administration(self) -> psycopg.Connection[Any]:
        """A connection as the superuser, who makes and drops databases."""
        return psycopg.connect(self.postgres.url(SUPERUSER, "postgres"), autocommit=True)

    def clone(self, name: str) -> None:
        """A new database with every table, trigger and grant, and no row but the registry's."""
        with self.administration() as connection:
            self._drop(connection, name)
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
            connection.execute(statement.format(*map(sql.Identifier, (name, TEMPLATE, OWNER))))

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        with self.administration() as connection:
            self._drop(connection, name)

    def make_template(self, migrate: Callable[[str], None]) -> None:
        """Migrate the template, unless another worker did; a half-migrated one is thrown away."""
        with self.administration() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
            query = "SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate"
            if connection.execute(query, [TEMPLATE]).fetchone() is not None:
                return
            self._drop(connection, TEMPLATE)
            names = {"name": sql.Identifier(TEMPLATE), "owner": sql.Identifier(OWNER)}
            connection.execute(sql.SQL("CREATE DATABASE {name} OWNER {owner}").format(**names))
            migrate(TEMPLATE)
            connection.execute(
                sql.SQL("ALTER DATABASE {name} IS_TEMPLATE true ALLOW_CONNECTIONS false").format(**names)
            )

    def _drop(self, connection: psycopg.Connection[Any], name: str) -> None:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    """Before pytest-django reads the settings: as a wrapper, since its own hook is ``tryfirst`` too."""
    services = _known_services() if RUN in os.environ else _start_services()
    os.environ.setdefault("HANDOVER_KEK", b64encode(secrets.token_bytes(32)).decode())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.test")
    os.environ.update(services.environment(os.environ.get("PYTEST_XDIST_WORKER", "main")))
    return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse what cannot work: the audit tables refuse TRUNCATE, with which Django cleans up after such tests."""
    refused = [item.nodeid for item in items if _would_truncate(item)]
    if refused:
        raise pytest.UsageError(
            "These tests ask for transactional_db, which cleans up with TRUNCATE, and the audit tables refuse that;"
            f" use the fixture committed_database instead: {', '.join(refused)}"
        )


def _would_truncate(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool((marker and marker.kwargs.get("transaction")) or fixtures & {"transactional_db", "live_server"})


@pytest.fixture(scope="session")
def services() -> Services:
    """The servers of this run."""
    return _known_services()


@pytest.fixture
def committed_database(services: Services, django_db_blocker: Any) -> Iterator[str]:
    """A database of the test's own, where commits are commits: for threads, processes and races. Yields its URL."""
    with django_db_blocker.unblock(), own_database(services) as url:
        yield url


@contextmanager
def own_database(services: Services) -> Iterator[str]:
    """A clone of the template that this process uses inside, and nobody afterwards. Yields its URL."""
    name = f"handover_{secrets.token_hex(6)}"
    make_template(services)
    services.clone(name)
    try:
        with database_in_use(services, name):
            yield services.postgres.url(APPLICATION, name)
    finally:
        services.drop(name)


def make_template(services: Services) -> None:
    """The migrated template, if it is not there yet."""
    from django.core.management import call_command  # noqa: PLC0415 - Django is not set up when this module loads

    def migrate(name: str) -> None:
        with database_in_use(services, name):
            call_command("migrate", verbosity=0, interactive=False, no_signing_key=True)

    services.make_template(migrate)


@contextmanager
def database_in_use(services: Services, name: str) -> Iterator[None]:
    """Everything in this process that finds the database by its settings finds this one inside."""
    from django.conf import settings  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    connection = connections["default"]
    holder: Any = vars(settings)["_wrapped"]  # below what a test overrides, which may outlive this block
    config = holder.HANDOVER
    urls = {
        "DATABASE_URL": services.postgres.url(APPLICATION, name),
        "DATABASE_OWNER_URL": services.postgres.url(OWNER, name),
    }
    before = {variable: os.environ[variable] for variable in urls}
    place = {part: connection.settings_dict[part] for part in ("NAME", "HOST")}
    _disconnect()
    connection.settings_dict |= {"NAME": name, "HOST": str(services.postgres.places.sockets)}
    os.environ.update(urls)
    holder.HANDOVER = replace(config, database_url=urls["DATABASE_URL"], database_owner_url=urls["DATABASE_OWNER_URL"])
    settings.__dict__.pop("HANDOVER", None)  # what the settings object remembered
    try:
        yield
    finally:
        _disconnect()
        connection.settings_dict |= place
        os.environ.update(before)
        holder.HANDOVER = config
        settings.__dict__.pop("HANDOVER", None)


def _disconnect() -> None:
    from django.db import connections  # noqa: PLC0415

    connections.close_all()
    connections["default"].close_pool()  # type: ignore[attr-defined]  # of Django's PostgreSQL backend


def _known_services() -> Services:
    return _services({name: Path(path) for name, path in json.loads(os.environ[RUN]).items()})


def _services(paths: dict[str, Path]) -> Services:
    var, account = paths["var"], accounts.service_account()
    places = directories.Places(var=var, account=account, data=paths["data"], sockets=paths["sockets"], temporary=None)
    postgres = Postgres(places=places, programs=paths["postgres"], log=var / "postgres.log", is_durable=False)
    return Services(postgres=postgres, redis=Redis(places=places, programs=paths["redis"], log=var / "redis.log"))


def _start_services() -> Services:
    watchdog = Watchdog(environment=dict(os.environ))
    var = Path(tempfile.mkdtemp(prefix="handover-tests-", dir=in_memory.folder()))
    watchdog.remove(var)
    account = accounts.service_account()
    directories.make_var(var, account)
    places = directories.choose(var, account, None)
    if places.temporary:
        watchdog.remove(places.temporary)
    paths = {
        "var": var,
        "data": places.data,
        "sockets": places.sockets,
        "postgres": binaries.POSTGRES.programs(account, places.data / "programs"),
        "redis": binaries.REDIS.programs(account, places.data / "programs"),
    }
    os.environ[RUN] = json.dumps({name: str(path) for name, path in paths.items()})
    services = _services(paths)
    _make_cluster(services.postgres)
    started = [_start(services.postgres.serving(), watchdog), _start(services.redis.serving(), watchdog)]
    atexit.register(_stop, os.getpid(), started, watchdog, [var, places.temporary])
    _await(services.postgres.is_ready, services.postgres.log)
    _await(services.redis.is_ready, services.redis.log)
    services.postgres.make_roles()
    return services


def _make_cluster(postgres: Postgres) -> None:
    making = postgres.making()
    if processes.start(making).wait() != 0:
        pytest.exit("\n".join(["initdb failed:", *processes.last_lines(making.log)]), returncode=3)
    postgres.made()


def _start(program: processes.Program, watchdog: Watchdog) -> subprocess.Popen[bytes]:
    process = processes.start(program)
    watchdog.watch(Group(id=process.pid, stage=0, signals=program.signals))
    return process


def _await(is_ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if time.monotonic() > deadline:
            pytest.exit("\n".join(["A service did not start:", *processes.last_lines(log)]), returncode=3)
        time.sleep(0.02)


def _stop(pid: int, started: list[subprocess.Popen[bytes]], watchdog: Watchdog, directories: list[Path | None]) -> None:
    if os.getpid() != pid:  # a forked child of a test runs our exit handlers too
        return
    groups = [Group(id=process.pid, stage=0, signals=processes.IMMEDIATELY) for process in started]
    stop(groups, grace=5, collect=lambda: [process.poll() for process in started], hurry=lambda: False)
    for process in started:
        watchdog.forget(process.pid)
    for directory in filter(None, directories):
        shutil.rmtree(directory, ignore_errors=True)
    watchdog.close()
