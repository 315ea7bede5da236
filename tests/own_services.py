"""PostgreSQL and Redis of one test's own, durable as in production, to be killed, frozen, stopped and started again."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from psycopg import sql

from portal.embedded import accounts, binaries, directories, processes
from portal.embedded.postgres import Postgres
from portal.embedded.redis import Redis
from portal.embedded.stopping import Group, stop
from portal.embedded.watchdog import Watchdog
from tests.services import Services

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

START_SECONDS = 60.0


class OwnServices(Services):
    """Servers whose every commit is on the disk, and the means to make them fail."""

    def __init__(self, *, postgres: Postgres, redis: Redis, watchdog: Watchdog) -> None:
        super().__init__(postgres=postgres, redis=redis)
        self._watchdog = watchdog
        self._postmaster: subprocess.Popen[bytes] | None = None
        self._redis: subprocess.Popen[bytes] | None = None

    def start_redis(self) -> None:
        """Start Redis and wait until it answers."""
        self._redis = self._start(self.redis.serving())
        while not self.redis.is_ready():
            time.sleep(0.02)

    def start_postgres(self) -> None:
        """Start PostgreSQL, unless it runs, and wait until it answers.

        Right after a kill a backend that has not noticed yet still holds the shared memory, and the new server refuses
        to start beside it: then it is started again, as an operator's supervisor would.
        """
        if self._postmaster is not None and self._postmaster.poll() is None:
            return
        deadline = time.monotonic() + START_SECONDS
        self._postmaster = self._start(self.postgres.serving())
        while not self.postgres.is_ready():
            if time.monotonic() > deadline:
                raise RuntimeError("\n".join(["PostgreSQL did not start:", *processes.last_lines(self.postgres.log)]))
            if self._postmaster.poll() is not None:
                self._watchdog.forget(self._postmaster.pid)
                self._postmaster = self._start(self.postgres.serving())
            time.sleep(0.02)

    def postgres_processes(self) -> list[psutil.Process]:
        """The postmaster first, then its children."""
        assert self._postmaster is not None
        postmaster = psutil.Process(self._postmaster.pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def shown(self, setting: str) -> str:
        """The value of a setting of PostgreSQL."""
        with self.administration() as connection:
            ((value,),) = connection.execute("SELECT current_setting(%s)", [setting]).fetchall()
            return str(value)

    def configure(self, **settings: str) -> None:
        """Change settings of the running PostgreSQL that need no restart."""
        with self.administration() as connection:
            for name, value in settings.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
            connection.execute("SELECT pg_reload_conf()")

    def redis_process(self) -> psutil.Process:
        """Redis."""
        assert self._redis is not None
        return psutil.Process(self._redis.pid)

    def kill_postgres(self) -> None:
        """SIGKILL to the postmaster and every backend: what a power failure leaves of the processes."""
        _signal(self.postgres_processes(), signal.SIGKILL)
        self._bury()

    def kill_postmaster(self) -> None:
        """SIGKILL to the postmaster alone: its backends find out by themselves."""
        _signal(self.postgres_processes()[:1], signal.SIGKILL)
        self._bury()

    def kill_ledger_backends(self) -> None:
        """SIGKILL to the backends that serve ledgers: the postmaster then ends all others and recovers by itself."""
        with self.administration() as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'handover-ledger'"
            backends = [psutil.Process(pid) for (pid,) in connection.execute(query)]
        _signal(backends, signal.SIGKILL)

    def freeze_postgres(self) -> None:
        """SIGSTOP to the postmaster and every backend: connections stay open and nothing answers."""
        _signal(self.postgres_processes(), signal.SIGSTOP)

    def thaw_postgres(self) -> None:
        """SIGCONT to all of them."""
        _signal(self.postgres_processes(), signal.SIGCONT)

    def stop_redis(self) -> None:
        """End it, and forget everything it knew."""
        assert self._redis is not None
        self._redis.kill()
        self._redis.wait()
        self._watchdog.forget(self._redis.pid)

    def stop_postgres(self) -> None:
        """A clean stop, as for maintenance: connections are refused from now on."""
        _signal(self.postgres_processes()[:1], signal.SIGINT)
        self._bury()

    def stop(self) -> None:
        """End whatever runs."""
        running = [process for process in (self._postmaster, self._redis) if process and process.poll() is None]
        if self._postmaster in running:
            self.thaw_postgres()
        groups = [Group(id=process.pid, stage=0, signals=processes.IMMEDIATELY) for process in running]
        stop(groups, grace=10, collect=lambda: [process.poll() for process in running], hurry=lambda: False)
        for process in running:
            self._watchdog.forget(process.pid)

    def _start(self, program: processes.Program) -> subprocess.Popen[bytes]:
        process = processes.start(program)
        self._watchdog.watch(Group(id=process.pid, stage=0, signals=processes.IMMEDIATELY))
        return process

    def _bury(self) -> None:
        assert self._postmaster is not None
        self._postmaster.wait()
        self._watchdog.forget(self._postmaster.pid)


def _signal(targets: list[psutil.Process], number: signal.Signals) -> None:
    for target in targets:
        with suppress(psutil.NoSuchProcess):
            target.send_signal(number)


@contextmanager
def own_services(folder: str | None = None) -> Iterator[OwnServices]:
    """Both servers, running, in a private temporary directory; nothing is left of them afterwards, whatever happens.

    ``folder`` is where that directory is made, if not where the system has such.
    """
    watchdog = Watchdog(environment=dict(os.environ))
    var = Path(tempfile.mkdtemp(prefix="handover-own-", dir=folder))
    watchdog.remove(var)
    temporary = None
    try:
        account = accounts.service_account()
        directories.make_var(var, account)
        places = directories.choose(var, account, None)
        temporary = places.temporary
        if temporary:
            watchdog.remove(temporary)
        services = _services(places, watchdog)
        try:
            services.start_postgres()
            services.start_redis()
            services.postgres.make_roles()
            yield services
        finally:
            services.stop()
    finally:
        for directory in filter(None, (var, temporary)):
            shutil.rmtree(directory, ignore_errors=True)
        watchdog.close()


def _services(places: directories.Places, watchdog: Watchdog) -> OwnServices:
    programs = places.data / "programs"
    postgres = Postgres(
        places=places, programs=binaries.POSTGRES.programs(places.account, programs), log=places.var / "postgres.log"
    )
    redis = Redis(
        places=places, programs=binaries.REDIS.programs(places.account, programs), log=places.var / "redis.log"
    )
    making = postgres.making()
    if processes.start(making).wait() != 0:
        raise RuntimeError("\n".join(["initdb failed:", *processes.last_lines(making.log)]))
    postgres.made()
    return OwnServices(postgres=postgres, redis=redis, watchdog=watchdog)
