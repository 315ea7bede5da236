"""The real portal on a free port: its ASGI application under uvicorn, with a database and static files of its own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from tests import services as plugin
from tests.exchange_server import ROOT
from tests.portal import organisation as organisations
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from portal.roles import Role
    from tests.portal.organisation import Organisation

APPLICATION = "portal.asgi:application"


@dataclass
class PortalServer:
    """A running portal and the organisation it shows."""

    url: str
    organisation: Organisation
    sessions: dict[Role, Any] = field(default_factory=dict)


@contextmanager
def running(
    services: plugin.Services,
    blocker: Any,
    static: Path,
    application: str = APPLICATION,
    *,
    prepare: Callable[[], None] = lambda: None,
    **environment: str,
) -> Iterator[PortalServer]:
    """Serve an application over a fresh clone of the database with the test organisation in it.

    ``prepare`` may write more into that database before the server starts.
    """
    name = f"handover_{secrets.token_hex(6)}"
    url = f"http://localhost:{free_port()}"  # a name: browsers make no passkeys for an address
    with blocker.unblock():
        plugin.make_template(services)
        services.clone(name)
        with plugin.database_in_use(services, name):
            organisation = organisations.build()
            prepare()
            env = {
                **os.environ,
                "HANDOVER_ISSUER": url,
                "HANDOVER_TEST_STATIC": str(static),
                "HANDOVER_ENVIRONMENT": "Demo",
                "DJANGO_SETTINGS_MODULE": "portal.settings.test",
                **environment,
            }
    options = ["--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--log-level", "warning", "--no-access-log"]
    command = [sys.executable, "-m", "uvicorn", application, *options, "--lifespan", "auto"]
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    try:
        _await_ready(url, process)
        yield PortalServer(url, organisation)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        services.drop(name)


def _await_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    with httpx.Client(base_url=url, trust_env=False, timeout=5) as http:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"the portal ended with {process.returncode}")
            try:
                if http.get("/sign-in").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    raise RuntimeError("the portal did not become ready")
