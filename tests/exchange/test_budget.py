"""What one exchange may ask of the stores: one round trip of PostgreSQL and nothing of Redis (performance.md).

Redis is asked in the background, so how often depends on the time that passed and not on the requests.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from exchange.limits.renewal import LEASE
from tests import exchange_server, vault
from tests.exchange.pair import assertion_form, at_once
from tests.vault import VAULT
from tests.world import LEDGER, REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exchange_server import ExchangeServer
    from tests.own_services import OwnServices

CALL = "execute exchange_record: SELECT exchange_record("
LOOK_UP = "execute exchange_referenced: SELECT exchange_referenced("
STANDING = "execute exchange_standing: SELECT exchange_standing("
POLL = "SELECT epoch, clock_timestamp() FROM partners_registry WHERE id = 1"
PARALLEL = 64
PER_SETTLEMENT = 10
"""Commands of one settlement: the script, its clock, who lives (4), and two for each of client and partner."""


class _Stores:
    """A server over stores of its own, which write down every command they are given."""

    def __init__(self, services: OwnServices, server: ExchangeServer) -> None:
        self._services = services
        self._redis = Redis.from_url(services.redis.url())
        self._redis.ping()  # its greeting is said now
        self.server = server
        self.port = int(server.url.rpartition(":")[2])
        self._database = server.dsn.partition("?")[0].rpartition("/")[2]

    @contextmanager
    def watched(self) -> Iterator[_Commands]:
        """What the stores were asked meanwhile."""
        commands = _Commands()
        log = self._services.postgres.log
        size, (redis, settlements), started = log.stat().st_size, self._redis_commands(), time.monotonic()
        yield commands
        commands.seconds = time.monotonic() - started
        now = self._redis_commands()
        commands.redis, commands.settlements = now[0] - redis - 1, now[1] - settlements
        with log.open("rb") as file:
            file.seek(size)
            lines = file.read().decode("utf-8", "replace").splitlines()
        mark = f"@{self._database}|LOG:  "
        commands.postgres = [line.partition("|LOG:  ")[2] for line in lines if line.startswith(mark)]

    def close(self) -> None:
        self._redis.close()

    def _redis_commands(self) -> tuple[int, int]:
        """How many commands Redis ran so far, this one from the next time on, and how many of them were settlements."""
        stats = {name: int(values["calls"]) for name, values in self._redis.info("commandstats").items()}
        return sum(stats.values()), stats.get("cmdstat_evalsha", 0)


class _Commands:
    postgres: list[str]
    redis: int
    settlements: int
    seconds: float

    @property
    def calls(self) -> int:
        """Calls of the ledger's function."""
        return sum(command.startswith(CALL) for command in self.postgres)

    def taken(self, prefix: str) -> int:
        """Takes the calls of another function out; how many they were."""
        calls = [command for command in self.postgres if command.startswith(prefix)]
        self.postgres = [command for command in self.postgres if not command.startswith(prefix)]
        return len(calls)

    @property
    def others(self) -> list[str]:
        """Everything else PostgreSQL was asked."""
        return [command for command in self.postgres if not command.startswith(CALL)]


@pytest.fixture(scope="module")
def stores(durable: OwnServices, django_db_blocker: Any) -> Iterator[_Stores]:
    durable.configure(log_statement="all", log_line_prefix="@%d|")
    redis = durable.redis.url()
    with exchange_server.running(durable, django_db_blocker, prepare=vault.build, REDIS_URL=redis) as server:
        assert server.exchange().status_code == 200
        assert server.http.get("/oauth/verify", **_passage("ho_unknown")).status_code == 401
        assert server.http.get("/oauth/verify", **_passage(_reference(server))).status_code == 200
        stores = _Stores(durable, server)
        yield stores
        stores.close()
    durable.configure(log_statement="none", log_line_prefix="%m [%p] ")


def _reference(server: ExchangeServer) -> str:
    return str(server.exchange(audience=VAULT, auth=server.basic).json()["access_token"])


def _passage(token: str) -> dict[str, Any]:
    return {"params": {"audience": VAULT}, "headers": {"authorization": f"Bearer {token}"}}


def _assert_only_the_background(commands: _Commands) -> None:
    _assert_only_the_poll(commands)
    assert commands.settlements <= 2 * commands.seconds / LEASE + 3
    assert commands.redis <= (commands.settlements + 1) * PER_SETTLEMENT + 2  # one may be under way


def _assert_only_the_poll(commands: _Commands) -> None:
    assert {command.removeprefix("statement: ") for command in commands.others} <= {POLL}
    assert len(commands.others) <= commands.seconds + 2


def test_one_exchange_is_one_round_trip_of_postgresql_and_none_of_redis(stores: _Stores) -> None:
    forms = [assertion_form(stores.server) for _ in range(10)]
    with stores.watched() as commands:
        statuses = [stores.server.post(form).status_code for form in forms]
    assert statuses == [200] * 10
    assert commands.calls == 10
    _assert_only_the_background(commands)


def test_a_refusal_is_one_round_trip_too(stores: _Stores) -> None:
    forms = [assertion_form(stores.server, audience="https://unknown.example") for _ in range(5)]
    with stores.watched() as commands:
        statuses = [stores.server.post(form).status_code for form in forms]
    assert statuses == [400] * 5
    assert commands.calls == 5
    _assert_only_the_background(commands)


def test_exchanges_at_the_same_time_share_round_trips(stores: _Stores) -> None:
    forms = [assertion_form(stores.server) for _ in range(PARALLEL)]
    with stores.watched() as commands:
        replies = at_once(forms, [stores.port])
    assert {reply.status for reply in replies} == {200}
    assert 0 < commands.calls < PARALLEL
    _assert_only_the_background(commands)


def test_a_reference_is_issued_in_one_round_trip_too(stores: _Stores) -> None:
    with stores.watched() as commands:
        tokens = {_reference(stores.server) for _ in range(5)}
    assert len(tokens) == 5
    assert commands.calls == 5
    _assert_only_the_background(commands)


def test_a_reference_costs_one_round_trip_more_where_it_is_read_and_a_jwt_none(stores: _Stores) -> None:
    server = stores.server
    reference = _reference(server)
    jwt = server.exchange(audience=LEDGER, auth=server.basic).json()["access_token"]
    for token, audience, look_ups in ((reference, VAULT, 1), (jwt, LEDGER, 0)):
        with stores.watched() as commands:
            passage = _passage(token) | {"params": {"audience": audience}}
            assert server.http.get("/oauth/verify", **passage).status_code == 200
        assert (commands.taken(LOOK_UP), commands.taken(STANDING), commands.calls) == (look_ups, 1, 0)
        _assert_only_the_poll(commands)


def test_a_reference_as_a_subject_token_is_looked_up_once(stores: _Stores) -> None:
    server = stores.server
    form = server.form(subject_token=_reference(server), audience=REPORTS)
    with stores.watched() as commands:
        answer = server.post(form | {"scope": "reports.read"}, auth=("vault-service", server.world.secret))
    assert answer.status_code == 200, answer.text
    assert (commands.taken(LOOK_UP), commands.calls) == (1, 1)
    _assert_only_the_poll(commands)


def test_the_documents_ask_the_stores_nothing(stores: _Stores) -> None:
    with stores.watched() as commands:
        for path in ("/oauth/jwks", "/.well-known/oauth-authorization-server", "/healthz", "/readyz"):
            assert stores.server.http.get(path).status_code == 200
    assert commands.calls == 0
    _assert_only_the_background(commands)
