"""What a user would take instead: django-oauth-toolkit's client credentials, and npm oidc-provider's token exchange."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import jwt
import psutil
import psycopg

from portal.embedded.addresses import APPLICATION
from tests.bench.bodies import Exchanges
from tests.bench.contenders import Contender
from tests.bench.stage import PROCESSES
from tests.interop import node
from tests.ports import free_port
from tests.signers import Signer, make_key, public_jwks
from tests.world import LEDGER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.contenders import Tally
    from tests.bench.stage import Stage

TOOLKIT_DATABASE = "toolkit"
TOOLKIT_THREADS = 4
"""Per process. More or fewer make it slower here (tried: 1, 2, 4, 8)."""

SCOPE = "ledger.read ledger.write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolkit:
    """django-oauth-toolkit by granian (WSGI): an opaque token and its row, no signature."""

    port: int
    root: psutil.Process
    connection: psycopg.Connection[Any]
    secret: str

    def plain(self) -> Contender:
        """With a secret that is kept as text, which is how the toolkit is fast."""
        return self._contender("toolkit", "django-oauth-toolkit client credentials", "bench")

    def shipped(self) -> Contender:
        """As it comes: with a secret under Django's password hash, which every request pays for."""
        name = "django-oauth-toolkit client credentials, as shipped"
        return self._contender("toolkit-shipped", name, "shipped", callers=(1, 16), least_seconds=8)

    def _contender(self, key: str, name: str, client_id: str, **fields: Any) -> Contender:
        parameters = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": self.secret}
        body = urlencode(parameters | {"scope": SCOPE}).encode()

        def lines(count: int) -> Iterable[bytes]:
            return repeat(body, count)

        return Contender(
            key=key, name=name, path="/token", port=self.port, root=self.root, lines=lines, tally=self._tally, **fields
        )

    def _tally(self) -> Tally:
        query = "SELECT count(*) FROM oauth2_provider_accesstoken WHERE id > %s"
        ((last,),) = self.connection.execute("SELECT coalesce(max(id), 0) FROM oauth2_provider_accesstoken").fetchall()
        return lambda: Counter({"": self.connection.execute(query, [last]).fetchall()[0][0]})


def toolkit(stage: Stage) -> Toolkit:
    """The toolkit's server over a database of its own in the same PostgreSQL."""
    port, secret = free_port(), secrets.token_urlsafe(32)
    stage.database.execute(f"CREATE DATABASE {TOOLKIT_DATABASE} OWNER {APPLICATION}")
    url = stage.services.postgres.url(APPLICATION, TOOLKIT_DATABASE)
    environment = os.environ | {"TOOLKIT_DATABASE_URL": url, "TOOLKIT_SECRET_KEY": secrets.token_urlsafe(32)}
    prepare = [sys.executable, "-m", "tests.bench.toolkit.prepare"]
    subprocess.run(prepare, check=True, env=environment, input=secret, text=True)
    server = ("-m", "granian", "--interface", "wsgi", "tests.bench.toolkit.wsgi:application", "--port", str(port))
    options = ("--workers", str(PROCESSES), "--blocking-threads", str(TOOLKIT_THREADS), "--no-ws")
    program = stage.program(
        "toolkit", sys.executable, *server, *options, "--log-level", "error", environment=environment
    )
    root = stage.start(program, f"http://127.0.0.1:{port}/token")
    connection = stage.enter_context(psycopg.connect(url, autocommit=True))
    return Toolkit(port=port, root=root, connection=connection, secret=secret)


def oidc_provider(stage: Stage, processes: int) -> Contender:
    """npm ``oidc-provider`` with a token-exchange grant; everything it remembers is in its memory."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    client, idp = Signer("kestrel-backend"), Signer("https://idp.kestrel.example", make_key("RS256"))
    own = make_key("ES256", kid="own")
    told = {
        "port": port,
        "issuer": issuer,
        "processes": processes,
        "key": own.as_dict(private=True),
        "client": {"client_id": client.issuer, "jwks": public_jwks(client.key)},
        "partner": {"issuer": idp.issuer, "jwks": public_jwks(idp.key)},
        "target": {"resource": LEDGER, "scope": SCOPE},
        "mapping": {"settle:write": SCOPE.split()},
    }
    process = _started(stage, told)
    exchanges = Exchanges(issuer, client, idp, {"resource": LEDGER})
    key = "oidc-provider" if processes == 1 else "oidc-provider-cluster"
    prove(issuer, exchanges, public_jwks(own))
    return Contender(
        key=key,
        name="oidc-provider token exchange" + (", 1 process" if processes == 1 else f", cluster of {processes}"),
        path="/token",
        port=port,
        root=process,
        lines=exchanges.bodies,
    )


def _started(stage: Stage, told: dict[str, Any]) -> psutil.Process:
    """The script, serving. It ends when its standard input does."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [node.PROGRAM, node.SCRIPTS / "token-exchange.mjs"]
    log = stage.enter_context((stage.directory / "log" / f"oidc-provider-{told['processes']}.log").open("w"))
    process = subprocess.Popen(command, env=node.ENVIRONMENT, stderr=log, **pipes)
    stage.callback(process.communicate)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(told) + "\n")
    process.stdin.flush()
    if not process.stdout.readline():
        raise RuntimeError(f"oidc-provider did not start; are the modules there (make modules)? {log.name} says why.")
    return psutil.Process(process.pid)


def prove(issuer: str, exchanges: Exchanges, keys: dict[str, Any]) -> None:
    """That it exchanges for real: a token that verifies, and refusals of a spent assertion and of a forged token."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    with httpx.Client(base_url=issuer, headers=headers, trust_env=False, timeout=30) as http:
        good = exchanges.asserted(exchanges.asking(exchanges.token()))
        token = http.post("/token", content=good).raise_for_status().json()["access_token"]
        key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=["ES256"], issuer=issuer, audience=LEDGER)
        spent = http.post("/token", content=good)
        forged = exchanges.token().rpartition(b".")[0] + b"." + exchanges.token().rpartition(b".")[2]
        wrong = http.post("/token", content=exchanges.asserted(exchanges.asking(forged)))
    said = (claims["sub"], claims["scope"], spent.json()["error"], wrong.json()["error"])
    if said != ("user-0", SCOPE, "invalid_client", "invalid_request"):
        raise RuntimeError(f"oidc-provider does not do what the benchmark compares with: {said}")
