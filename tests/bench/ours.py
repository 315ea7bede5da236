"""Our own endpoints as contenders: one server as shipped, over the organisation of the tests."""

from __future__ import annotations

import os
import time
from collections import Counter
from functools import partial
from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

import httpx
import psycopg

from audit.events import SYSTEM
from exchange.protocol.request import TOKEN_EXCHANGE
from partners import models
from partners.changes import changing
from policy.reasons import Reason
from portal.embedded.programs import Programs
from tests import world as worlds
from tests.bench.bodies import Exchanges
from tests.bench.contenders import Contender
from tests.signers import Signer, make_key
from tests.world import ACCESS_TOKEN, LEDGER, REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psutil

    from tests.bench.contenders import Tally
    from tests.bench.stage import Stage
    from tests.world import World

MIX = {
    "valid": 28,
    "with actor token": 7,
    Reason.TOKEN_EXPIRED: 5,
    Reason.SIGNATURE_WRONG: 5,
    Reason.TOKEN_REVOKED: 5,
}
"""The workload mix in fiftieths: 56 % and 14 % granted, 10 % each refused for three reasons."""

PERIOD = sum(MIX.values())
KINDS = 10
"""Distinct tokens of each refused kind, and of those that come with an actor token."""

LIVE = 20
"""Distinct tokens that are asked about."""

NIL = UUID(int=0)


class Ours:
    """The server, and the tokens that its own clients hold."""

    def __init__(self, stage: Stage, issuer: str) -> None:
        self.issuer = issuer
        self.port = int(issuer.rpartition(":")[2])
        self.stage = stage
        self.world: World = worlds.build(issuer)
        self.root = start(stage, issuer)
        self.http = stage.enter_context(httpx.Client(base_url=issuer, trust_env=False, timeout=30))
        self.contender = partial(Contender, port=self.port, root=self.root, path="/oauth/token", tally=Events(stage))

    def exchange(self, idp: Signer) -> Contender:
        """private_key_jwt (ES256), a subject token by RS256 or ES256, ES256 for ours."""
        lines = Exchanges(self.issuer, self.world.backend, idp).bodies
        name = f"Handover exchange, {idp.alg} subject token"
        return self.contender(key="exchange", name=name, lines=lines, subject=idp.alg)

    def strangers(self) -> Contender:
        """The same exchange of subject tokens that were never seen before: nothing is known of any of them."""
        bodies = Exchanges(self.issuer, self.world.backend, self.world.idp).bodies
        return self.contender(
            key="strangers",
            name="Handover exchange, each subject token once",
            lines=lambda count: bodies(count, subjects=count),
            callers=(64,),
        )

    def elliptic(self) -> Contender:
        """The exchange for a partner whose identity provider signs with ES256."""
        signer = Signer("https://elliptic.kestrel.example", make_key("ES256"))
        with changing(SYSTEM) as change:
            kestrel = models.Partner.objects.get(slug="kestrel")
            change.touch(kestrel.id)
            trust = worlds.add_trust(kestrel, signer, name="elliptic")
            target = models.Target.objects.get(name="ledger")
            worlds.add_mapping(trust, target, "ledger-elliptic", allows_impersonation=True)
        return self.exchange(signer)

    def mix(self) -> Contender:
        """What a day brings: good requests, delegations, and three kinds of refusals."""
        refused = {reason.value: MIX[reason] / PERIOD for reason in MIX if isinstance(reason, Reason)}
        shares = {"": 1 - sum(refused.values())} | refused
        return self.contender(key="mix", name="Handover exchange, workload mix", lines=self._mixed, shares=shares)

    def introspection(self) -> Contender:
        """RFC 7662 for a target's gateway with a secret; active answers leave no row."""
        return self.contender(
            key="introspection",
            name="Handover introspection",
            path="/oauth/introspect",
            lines=self._questions,
            tally=None,
            expected='"active":true',
        )

    def verify(self) -> Contender:
        """What a gateway asks before it lets a request through; a yes leaves no row."""
        query = urlencode({"audience": LEDGER, "scope": "ledger.read"})
        path, method = f"/oauth/verify?{query}", "GET"
        return self.contender(
            key="verify", name="Handover verify endpoint", path=path, method=method, lines=self._tokens, tally=None
        )

    def token(self) -> str:
        """A live token of ours for the ledger, held by a client of the partner."""
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": self.world.idp.subject_token(self.issuer),
            "subject_token_type": ACCESS_TOKEN,
            "audience": LEDGER,
            "scope": "ledger.read",
        }
        answer = self.http.post("/oauth/token", data=form, auth=("kestrel-batch", self.world.secret))
        return str(answer.raise_for_status().json()["access_token"])

    def _given_back(self) -> str:
        token = self.token()
        auth = ("kestrel-batch", self.world.secret)
        self.http.post("/oauth/revoke", data={"token": token}, auth=auth).raise_for_status()
        return token

    def _tokens(self, count: int) -> Iterator[bytes]:
        return islice(cycle([self.token().encode() for _ in range(LIVE)]), count)

    def _questions(self, count: int) -> Iterator[bytes]:
        credentials = {"client_id": "ledger-gateway", "client_secret": self.world.secret}
        asked = [urlencode({"token": self.token()} | credentials).encode() for _ in range(LIVE)]
        return islice(cycle(asked), count)

    def _mixed(self, count: int) -> Iterator[bytes]:
        """One order for all runs, in which every fifty requests have the same shares."""
        exchanges = Exchanges(self.issuer, self.world.backend, self.world.idp)
        pools = {kind: cycle(self._pool(exchanges, kind)) for kind in MIX}
        order = [kind for kind, fiftieths in MIX.items() for _ in range(fiftieths)]
        Random(PERIOD).shuffle(order)
        for kind in islice(cycle(order), count):
            rest = next(pools[kind])
            yield rest if kind is Reason.TOKEN_REVOKED else exchanges.asserted(rest)

    def _pool(self, exchanges: Exchanges, kind: str) -> list[bytes]:
        """Parameters of one kind. A revoked token is one of ours, presented by a service of ours."""
        long_ago = int(time.time()) - 600
        if kind is Reason.TOKEN_REVOKED:
            return [self._revoked() for _ in range(KINDS)]
        if kind is Reason.TOKEN_EXPIRED:
            old = {"iat": long_ago, "exp": long_ago + 300}
            return [exchanges.asking(exchanges.token(**old)) for _ in range(KINDS)]
        if kind is Reason.SIGNATURE_WRONG:
            return [exchanges.asking(_spliced(exchanges.token(), exchanges.token())) for _ in range(KINDS)]
        if kind == "with actor token":
            return [exchanges.asking(exchanges.token(), **_actor(exchanges)) for _ in range(KINDS)]
        return [exchanges.asking(exchanges.token(sub=f"user-{number}")) for number in range(LIVE)]

    def _revoked(self) -> bytes:
        return urlencode(
            {
                "client_id": "ledger-service",
                "client_secret": self.world.secret,
                "grant_type": TOKEN_EXCHANGE,
                "subject_token": self._given_back(),
                "subject_token_type": ACCESS_TOKEN,
                "audience": REPORTS,
                "scope": "reports.read",
            }
        ).encode()


def _spliced(one: bytes, other: bytes) -> bytes:
    """A token with the signature of another one."""
    return one.rpartition(b".")[0] + b"." + other.rpartition(b".")[2]


def _actor(exchanges: Exchanges) -> dict[str, str]:
    """The client itself acts, by a token of its own identity provider."""
    return {"actor_token": exchanges.token(sub="kestrel-backend").decode(), "actor_token_type": ACCESS_TOKEN}


def start(stage: Stage, issuer: str) -> psutil.Process:
    """The server of ``manage.py up``, ready."""
    environment = os.environ | {"HANDOVER_ISSUER": issuer}
    programs = Programs(var=stage.directory, environment=environment, account=stage.account)
    return stage.start(programs.web("127.0.0.1", int(issuer.rpartition(":")[2])), f"{issuer}/readyz")


class Events:
    """Counts the events of answers from now on: their identifiers are in the order of time."""

    def __init__(self, stage: Stage) -> None:
        self._connection = stage.enter_context(psycopg.connect(os.environ["DATABASE_URL"], autocommit=True))

    def __call__(self) -> Tally:
        """Begin to count."""
        last = self._connection.execute("SELECT id FROM audit_event ORDER BY id DESC LIMIT 1").fetchone()
        query = "SELECT reason, count(*) FROM audit_event WHERE id > %s AND outcome <> '' GROUP BY reason"
        return lambda: Counter(dict(self._connection.execute(query, last or (NIL,)).fetchall()))
