"""Who is measured: our exchange with two kinds of subject token, and django-oauth-toolkit's client credentials.

Each with as many processes as the machine has cores, over the same durable PostgreSQL.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import psycopg

from audit.events import SYSTEM
from partners import models
from partners.changes import changing
from portal.embedded.addresses import APPLICATION, SUPERUSER
from portal.embedded.programs import Programs
from tests import world as worlds
from tests.bench.bodies import Exchanges
from tests.bench.stage import PROCESSES
from tests.ports import free_port
from tests.signers import Signer, make_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import psutil

    from tests.bench.stage import Stage

TOOLKIT_DATABASE = "toolkit"
TOOLKIT_THREADS = 4
"""Per process. More or fewer make it slower here (tried: 1, 2, 4, 8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One token endpoint under measurement, with the requests for it and the rows that each answer must have left."""

    name: str
    path: str
    port: int
    root: psutil.Process
    bodies: Callable[[int], Iterable[bytes]]
    rows: Callable[[], tuple[int, int]]
    """Rows of answers that gave a token, and of all others."""
    subject: str = ""
    """The algorithm of the subject token, where there is one: it decides the crypto floor."""


def exchanges(stage: Stage, issuer: str) -> list[Contender]:
    """Our exchange: private_key_jwt (ES256), a subject token by RS256 or ES256, ES256 for ours; one server for both."""
    world = worlds.build(issuer)
    elliptic = Signer("https://elliptic.kestrel.example", make_key("ES256"))
    with changing(SYSTEM) as change:
        kestrel = models.Partner.objects.get(slug="kestrel")
        change.touch(kestrel.id)
        trust = worlds.add_trust(kestrel, elliptic, name="elliptic")
        target = models.Target.objects.get(name="ledger")
        worlds.add_mapping(trust, target, "ledger-elliptic", allows_impersonation=True)
    port = int(issuer.rpartition(":")[2])
    programs = Programs(var=stage.directory, environment=dict(os.environ), account=stage.account)
    root = stage.start(programs.web("127.0.0.1", port), f"{issuer}/readyz")
    return [
        Contender(
            name=f"Handover exchange, {idp.alg} subject token",
            path="/oauth/token",
            port=port,
            root=root,
            bodies=Exchanges(issuer, world.backend, idp).bodies,
            rows=_audit_rows(stage),
            subject=idp.alg,
        )
        for idp in (world.idp, elliptic)
    ]


def _audit_rows(stage: Stage) -> Callable[[], tuple[int, int]]:
    query = "SELECT count(*) FILTER (WHERE kind = 'exchange.granted'), count(*) FROM audit_event WHERE outcome <> ''"
    connection = stage.enter_context(psycopg.connect(stage.services.postgres.url(SUPERUSER), autocommit=True))

    def rows() -> tuple[int, int]:
        ((granted, all_answers),) = connection.execute(query).fetchall()
        return granted, all_answers - granted

    return rows


def toolkit(stage: Stage) -> Contender:
    """django-oauth-toolkit's client credentials: an opaque token and its row, no signature; by granian (WSGI)."""
    port, secret = free_port(), secrets.token_urlsafe(32)
    stage.database.execute(f"CREATE DATABASE {TOOLKIT_DATABASE} OWNER {APPLICATION}")
    url = stage.services.postgres.url(APPLICATION, TOOLKIT_DATABASE)
    environment = os.environ | {"TOOLKIT_DATABASE_URL": url, "TOOLKIT_SECRET_KEY": secrets.token_urlsafe(32)}
    prepare = [sys.executable, "-m", "tests.bench.toolkit.prepare", "bench"]
    subprocess.run(prepare, check=True, env=environment, input=secret, text=True)
    server = ("-m", "granian", "--interface", "wsgi", "tests.bench.toolkit.wsgi:application", "--port", str(port))
    options = (
        "--workers",
        str(PROCESSES),
        "--blocking-threads",
        str(TOOLKIT_THREADS),
        "--no-ws",
        "--log-level",
        "error",
    )
    program = stage.program("toolkit", sys.executable, *server, *options, environment=environment)
    root = stage.start(program, f"http://127.0.0.1:{port}/token")
    connection = stage.enter_context(psycopg.connect(url, autocommit=True))
    parameters = {"grant_type": "client_credentials", "client_id": "bench", "client_secret": secret}

    def rows() -> tuple[int, int]:
        ((tokens,),) = connection.execute("SELECT count(*) FROM oauth2_provider_accesstoken").fetchall()
        return tokens, 0

    return Contender(
        name="django-oauth-toolkit client credentials",
        path="/token",
        port=port,
        root=root,
        bodies=lambda count: repeat(urlencode(parameters | {"scope": "ledger.read ledger.write"}).encode(), count),
        rows=rows,
    )
