"""What a run needs around its contenders: programs started and stopped, a place for files, the database."""

from __future__ import annotations

import os
import pwd
import time
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import httpx
import psutil
import psycopg
import redis

from portal.embedded import processes
from portal.embedded.accounts import Account
from portal.embedded.addresses import SUPERUSER
from portal.embedded.stopping import Group, stop
from tests.bench.floor import Cores

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from tests.services import Services

PROCESSES = len(os.sched_getaffinity(0))
"""Of every server: as many as there are cores."""

START_SECONDS = 60.0


class Stage(ExitStack):
    """One run's surroundings; leaving it stops whatever was started on it."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self.account = Account(name=pwd.getpwuid(os.geteuid()).pw_name, uid=os.geteuid(), gid=os.getegid())

    def __enter__(self) -> Self:
        super().__enter__()
        self.directory = Path(self.enter_context(TemporaryDirectory(prefix="handover-bench-")))
        (self.directory / "log").mkdir()
        self.database = self.enter_context(
            psycopg.connect(self.services.postgres.url(SUPERUSER, "postgres"), autocommit=True)
        )
        (status,) = self.database.execute("SELECT pg_read_file('postmaster.pid')").fetchone() or ("",)
        with redis.Redis.from_url(self.services.redis.url()) as connection:
            described: Any = connection.info("server")
        self.stores = (psutil.Process(int(status.split()[0])), psutil.Process(described["process_id"]))
        self.cores = self.enter_context(closing(Cores()))
        return self

    def wear_in(self) -> None:
        """Give the database a write-ahead log that goes round, as one has that has been in use for a while.

        A new one is made piece by piece, 16 MB of zeros each, and every commit of every contender waits meanwhile.
        """
        self.database.execute("ALTER SYSTEM SET min_wal_size = '1GB'")
        self.database.execute("SELECT pg_reload_conf()")
        self.database.execute(
            "SELECT pg_logical_emit_message(false, '', repeat('x', 1000000)) FROM generate_series(1, 900)"
        )
        self.database.execute("CHECKPOINT")

    def program(self, name: str, *command: str, environment: Mapping[str, str]) -> processes.Program:
        """A program of this run, with its log in the run's directory."""
        log = self.directory / "log" / f"{name}.log"
        return processes.Program(
            name=name, command=command, environment=environment, directory=Path.cwd(), log=log, account=self.account
        )

    def start(self, program: processes.Program, url: str) -> psutil.Process:
        """Start a server and wait until it answers at ``url``, whatever it answers."""
        process = processes.start(program)
        self.callback(_end, process, program)
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                said = processes.last_lines(program.log)
                raise RuntimeError("\n".join([f"The {program.name} server did not start:", *said]))
            time.sleep(0.05)
        return psutil.Process(process.pid)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code < 500
    except httpx.TransportError:
        return False


def _end(process: subprocess.Popen[bytes], program: processes.Program) -> None:
    group = Group(id=process.pid, stage=0, signals=program.signals)
    stop([group], grace=10, collect=process.poll, hurry=lambda: False)
