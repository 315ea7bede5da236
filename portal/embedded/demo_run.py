"""The embedded default: PostgreSQL, Redis, the demo partner's identity provider, and Handover on top of them."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from portal.embedded import binaries, directories, installation, ports
from portal.embedded.accounts import own_account
from portal.embedded.announcement import announcement
from portal.embedded.console import say
from portal.embedded.postgres import Postgres
from portal.embedded.processes import MARKER, rotate
from portal.embedded.programs import Programs
from portal.embedded.redis import Redis
from portal.embedded.supervisor import APPLICATION, SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.embedded.accounts import Account
    from portal.embedded.installation import Memory
    from portal.embedded.supervisor import Supervisor

PATIENCE_SECONDS: Final = 120.0
DISCOVERY: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """One start of the demo: everything decided, nothing started."""

    var: Path
    memory: Memory
    postgres: Postgres
    redis: Redis
    programs: Programs

    def start(self, supervisor: Supervisor) -> None:
        """Start all in order. Raises ``CannotStart`` and ``Stopped``; the caller stops what has started."""
        if self.postgres.places.temporary:
            say(f"The path here is too long or too private for the servers: see {self.postgres.places.temporary} too.")
        self._start_services(supervisor)
        supervisor.start(self.programs.identity_provider(self.memory.port + 1, self._issuer), APPLICATION)
        with _progress("Database, migrations, demo data"):
            self.postgres.make_roles()
            supervisor.complete(self.programs.preparing())
        with _progress("Web server"):
            supervisor.start(self.programs.web(ports.HOST, self.memory.port), APPLICATION)
            supervisor.wait_for("web", self._web_is_ready, patience=PATIENCE_SECONDS)
        with _progress("The demo partner's identity provider"):
            supervisor.wait_for("partner", self._partner_is_ready, patience=PATIENCE_SECONDS)
        supervisor.start(self.programs.worker(), APPLICATION)  # last: nobody waits for them
        supervisor.start(self.programs.beat(), APPLICATION)
        for line in ("", *announcement(self.var / "demo" / "info.json")):
            say(line)

    def tidy(self) -> None:
        """Remove the sockets of a server that had to be killed. Everything has stopped."""
        for leftover in self.postgres.places.sockets.iterdir():
            leftover.unlink()

    def _start_services(self, supervisor: Supervisor) -> None:
        with _progress("PostgreSQL"):
            if not self.postgres.is_made():
                supervisor.complete(self.postgres.making())
                self.postgres.made()
            supervisor.start(self.postgres.serving(), SERVICES)
            supervisor.wait_for("postgres", self.postgres.is_ready, patience=PATIENCE_SECONDS)
        with _progress("Redis"):
            supervisor.start(self.redis.serving(), SERVICES)
            supervisor.wait_for("redis", self.redis.is_ready, patience=PATIENCE_SECONDS)

    @property
    def _issuer(self) -> str:
        return installation.issuer(self.memory)

    def _web_is_ready(self) -> bool:
        return ports.answers_ok(self.memory.port, "/readyz")

    def _partner_is_ready(self) -> bool:
        return ports.answers_ok(self.memory.port + 1, DISCOVERY)


def demo_run(var: Path, account: Account, port: int | None) -> DemoRun:
    """Decide everything about a start, with what the last one remembered. Raises ``CannotStart``."""
    before = installation.recall(var) or installation.Memory()
    chosen = before.port if port is None else port
    ports.refuse_unusable(chosen)
    ports.refuse_unusable(chosen + 1)
    places = directories.choose(var, account, Path(before.temporary) if before.temporary else None)
    memory = replace(before, port=chosen, sockets=str(places.sockets), temporary=str(places.temporary or ""))
    postgres_programs = binaries.POSTGRES.programs(account, places.data / "programs")
    redis_programs = binaries.REDIS.programs(account, places.data / "programs")
    installation.make_kek(var)
    log = _directories(var)
    run = DemoRun(
        var=var,
        memory=memory,
        postgres=Postgres(places=places, programs=postgres_programs, log=log / "postgres.log"),
        redis=Redis(places=places, programs=redis_programs, log=log / "redis.log"),
        programs=Programs(var=var, environment=_environment(var, memory), account=own_account()),
    )
    installation.remember(var, memory)
    return run


def _directories(var: Path) -> Path:
    for name in ("log", "mail", "demo"):
        (var / name).mkdir(mode=0o700, exist_ok=True)
    rotate(var / "log")
    return var / "log"


def _environment(var: Path, memory: Memory) -> dict[str, str]:
    ours = {**installation.variables(var, memory), "DJANGO_SETTINGS_MODULE": "portal.settings.base"}
    return {**os.environ, **ours, MARKER: str(var), "PYTHONUNBUFFERED": "1"}


@contextmanager
def _progress(what: str) -> Iterator[None]:
    say(f"{what} ...")
    start = time.monotonic()
    yield
    say(f"{what}: ready after {time.monotonic() - start:.1f} s")
