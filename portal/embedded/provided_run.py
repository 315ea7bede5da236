"""As in production: the stores of ``DATABASE_URL`` and ``REDIS_URL``, the settings of the environment, no demo."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.config import Config, ConfigError
from portal.embedded import installation, ports
from portal.embedded.accounts import own_account
from portal.embedded.console import say
from portal.embedded.processes import MARKER, rotate
from portal.embedded.programs import Programs
from portal.embedded.refusals import CannotStart
from portal.embedded.supervisor import APPLICATION

if TYPE_CHECKING:
    from pathlib import Path

    from portal.embedded.supervisor import Supervisor

PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedRun:
    """One start over stores that are not ours: the web server, the worker and beat. ``migrate`` is the operator's."""

    var: Path
    port: int
    programs: Programs

    def start(self, supervisor: Supervisor) -> None:
        """Raises ``CannotStart`` and ``Stopped``; the caller stops what has started."""
        say("Web server, worker, beat ...")
        supervisor.start(self.programs.web(ports.HOST, self.port), APPLICATION)
        supervisor.start(self.programs.worker(), APPLICATION)
        supervisor.start(self.programs.beat(), APPLICATION)
        supervisor.wait_for("web", lambda: ports.answers_ok(self.port, "/readyz"), patience=PATIENCE_SECONDS)
        say(f"Handover is ready at {ports.HOST}:{self.port} for {os.environ['HANDOVER_ISSUER']}.  Stop: Ctrl-C.")

    def tidy(self) -> None:
        """There is nothing of ours to remove."""


def provided_run(var: Path, port: int | None) -> ProvidedRun:
    """Decide everything about a start. Raises ``CannotStart`` when the settings are not complete."""
    try:
        Config.from_env(os.environ)
    except ConfigError as error:
        problems = "; ".join(str(error).splitlines())
        raise CannotStart(f"The settings in the environment are not complete: {problems}") from None
    chosen = installation.DEFAULT_PORT if port is None else port
    ports.refuse_unusable(chosen)
    (var / "log").mkdir(mode=0o700, exist_ok=True)
    rotate(var / "log")
    defaults = {"DJANGO_SETTINGS_MODULE": "portal.settings.base"}
    environment = {**defaults, **os.environ, MARKER: str(var), "PYTHONUNBUFFERED": "1"}
    return ProvidedRun(var=var, port=chosen, programs=Programs(var=var, environment=environment, account=own_account()))
