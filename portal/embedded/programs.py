"""The programs of Handover itself, as the supervisor runs them: web server, worker, beat, and the demo's partner."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from portal.embedded.installation import ROOT
from portal.embedded.processes import Program

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from portal.embedded.accounts import Account

WORKER_PROCESSES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """How to run each of them, for one installation."""

    var: Path
    environment: Mapping[str, str]
    account: Account

    def preparing(self) -> Program:
        """Migrations and, in the demo, its data. Ends by itself."""
        return self._python("prepare", "manage.py", "prepare")

    def web(self, host: str, port: int) -> Program:
        """One process per core behind one port; the exchange's lane needs its lifespan."""
        return self._python(
            "web",
            *("-m", "uvicorn", "portal.asgi:application", "--host", host, "--port", str(port)),
            *("--workers", str(len(os.sched_getaffinity(0))), "--loop", "portal.even_loop:EvenLoop"),
            *("--http", "portal.http_protocol:Http11Protocol"),
            *("--lifespan", "on", "--no-access-log", "--no-proxy-headers", "--timeout-graceful-shutdown", "5"),
        )

    def worker(self) -> Program:
        """Celery's worker."""
        options = ("--concurrency", str(WORKER_PROCESSES), "--without-gossip", "--without-mingle")
        return self._celery("worker", "--loglevel", "INFO", *options)

    def beat(self) -> Program:
        """Celery's clock: exactly one, though nothing becomes wrong with two or none."""
        return self._celery("beat", "--loglevel", "INFO", "--pidfile=")

    def identity_provider(self, port: int, audience: str) -> Program:
        """The demo partner's own identity provider: another organisation, so another process."""
        directory = str(self.var / "demo")
        module = ("-m", "portal.demo.identity_provider")
        return self._python("partner", *module, "--port", str(port), "--directory", directory, "--audience", audience)

    def _celery(self, name: str, *arguments: str) -> Program:
        return self._python(name, "-m", "celery", "--app", "portal.celery", name, *arguments)

    def _python(self, name: str, *arguments: str) -> Program:
        return Program(
            name=name,
            command=(sys.executable, *arguments),
            environment=self.environment,
            directory=ROOT,
            log=self.var / "log" / f"{name}.log",
            account=self.account,
        )
