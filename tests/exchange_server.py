"""The real server on a free port, with a database of its own, for tests that speak HTTP to it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import httpx
import psycopg

from tests import services as plugin
from tests import world as worlds
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from tests.world import World

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120


@dataclass
class ExchangeServer:
    """A running server, the organisation it serves, and a way to look at what it wrote."""

    url: str
    world: World
    dsn: str
    http: httpx.Client
    process: subprocess.Popen[bytes]
    output: Path
    """What the server said so far; pytest shows it when the test that stops it fails."""
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    _connection: psycopg.Connection[Any] | None = None

    def post(self, data: Any, **options: Any) -> httpx.Response:
        """POST a form to the token endpoint: a dictionary, or pairs where a name repeats."""
        if isinstance(data, list):
            body = str(httpx.QueryParams(data))
            options.setdefault("headers", {})
            options["headers"] = {"content-type": "application/x-www-form-urlencoded", **options["headers"]}
            return self.http.post("/oauth/token", content=body, **options)
        return self.http.post("/oauth/token", data=data, **options)

    def exchange(self, *, auth: Any = True, **changes: Any) -> httpx.Response:
        """An exchange that succeeds unless a change makes it fail; a parameter changed to None is left out."""
        form = self.form(**changes)
        if auth is True:
            form = {
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": self.world.backend.assertion(self.world.issuer),
            } | form
            auth = None
        return self.post({name: value for name, value in form.items() if value is not None}, auth=auth)

    def form(self, **changes: Any) -> dict[str, Any]:
        """The parameters of a good exchange without client credentials."""
        good = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": self.world.idp.subject_token(self.world.issuer),
            "subject_token_type": worlds.ACCESS_TOKEN,
            "audience": worlds.LEDGER,
        }
        return good | changes

    @property
    def basic(self) -> tuple[str, str]:
        """The credentials of the client that uses a secret."""
        return ("kestrel-batch", self.world.secret)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the database holds, whatever became of the connection that asked before."""
        if self._connection is not None:
            try:
                return self._connection.execute(query, parameters).fetchall()
            except psycopg.OperationalError:
                self.forget()
        self._connection = psycopg.connect(self.dsn, autocommit=True)
        return self._connection.execute(query, parameters).fetchall()

    def forget(self) -> None:
        """Close the connection that ``rows`` uses."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def event(self, response: httpx.Response) -> dict[str, Any]:
        """The one audit event of an answer."""
        rows = self.rows(
            "SELECT canonical FROM audit_event WHERE correlation_id = %s", response.headers["x-correlation-id"]
        )
        assert len(rows) == 1, f"{len(rows)} events for one answer"
        event: dict[str, Any] = json.loads(rows[0][0])
        return event

    def token_row(self, token_id: str | UUID) -> tuple[Any, ...]:
        """The row of an issued token."""
        (row,) = self.rows("SELECT * FROM exchange_issuedtoken WHERE id = %s", token_id)
        return row


@contextmanager
def running(
    services: plugin.Services,
    blocker: Any,
    *,
    workers: int = 1,
    prepare: Callable[[], None] = lambda: None,
    **environment: str,
) -> Iterator[ExchangeServer]:
    """A server of the exchange over a fresh clone of the database, with the test organisation in it.

    ``prepare`` may write more into that database before the server starts.
    """
    name = f"handover_{secrets.token_hex(6)}"
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    with blocker.unblock():
        plugin.make_template(services)
        services.clone(name)
        with plugin.database_in_use(services, name):
            world = worlds.build(issuer)
            prepare()
            env = {**os.environ, "HANDOVER_ISSUER": issuer, **environment}
            dsn = os.environ["DATABASE_URL"]
    env["DJANGO_SETTINGS_MODULE"] = "portal.settings.test"
    try:
        with (
            _serving(env, port, workers) as (process, output),
            httpx.Client(base_url=issuer, trust_env=False, timeout=10) as http,
        ):
            _await_ready(http, process)
            server = ExchangeServer(issuer, world, dsn, http, process, output, env)
            try:
                yield server
            finally:
                server.forget()
    finally:
        services.drop(name)


@contextmanager
def beside(server: ExchangeServer) -> Iterator[int]:
    """A second process of the same installation: same issuer, same database, its own memory. Yields its port."""
    port = free_port()
    with (
        _serving(server.environment, port, workers=1) as (process, _output),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as http,
    ):
        _await_ready(http, process)
        yield port


@contextmanager
def unready(server: ExchangeServer) -> Iterator[httpx.Client]:
    """A second process of the same installation that nobody waited for. Yields a client for it."""
    port = free_port()
    with (
        _serving(server.environment, port, workers=1),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as http,
    ):
        yield http


@contextmanager
def _serving(environment: dict[str, str], port: int, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The server's process, and the file that it writes its log to."""
    command = [sys.executable, "-m", "uvicorn", "portal.asgi:application", "--host", "127.0.0.1", "--port", str(port)]
    command += [
        "--loop",
        "portal.even_loop:EvenLoop",
        "--workers",
        str(workers),
        "--log-level",
        "warning",
        "--no-access-log",
        "--lifespan",
        "on",
    ]
    command += ["--no-proxy-headers", "--http", "portal.http_protocol:Http11Protocol"]
    with NamedTemporaryFile(prefix="handover-server-", suffix=".log") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield process, Path(log.name)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _show(Path(log.name))


def _show(output: Path) -> None:
    """What the server said beyond the refusals it is asked for."""
    lines = output.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    sys.stderr.writelines(line for line in lines if '"level":"info"' not in line)


def _await_ready(http: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            if http.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the server did not become ready")
