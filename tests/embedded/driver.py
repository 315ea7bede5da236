"""A supervisor over programs given as Python source: ``python -m tests.embedded.driver VAR '{"name": "source"}'``.

The names ``service_...`` go to the first stage, ``once_...`` are run to their end, all others are kept running.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from portal.embedded.accounts import own_account
from portal.embedded.console import say
from portal.embedded.interruptions import Interruptions, Stopped
from portal.embedded.processes import MARKER, Program
from portal.embedded.refusals import CannotStart
from portal.embedded.supervisor import APPLICATION, SERVICES, Supervisor

GRACE_SECONDS = 3.0


def main(var: Path, sources: dict[str, str]) -> None:
    """Start all, say that they run, keep them running, stop them."""
    interruptions = Interruptions()
    environment = {**os.environ, MARKER: str(var)}
    lock = os.open(var / "lock", os.O_RDWR | os.O_CREAT)
    supervisor = Supervisor(interruptions, watchdog_environment=environment, lock=lock, grace=GRACE_SECONDS)
    try:
        for name, source in sources.items():
            program = Program(
                name=name,
                command=(sys.executable, "-c", source),
                environment=environment,
                directory=var,
                log=var / f"{name}.log",
                account=own_account(),
            )
            if name.startswith("once_"):
                supervisor.complete(program)
            else:
                supervisor.start(program, SERVICES if name.startswith("service_") else APPLICATION)
        say("running")
        supervisor.keep_running()
    except Stopped:
        say("stopped while starting")
    except CannotStart as problem:
        say(f"cannot start: {problem}")
    finally:
        say("stopping")
        supervisor.stop()
        say("stopped")


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
