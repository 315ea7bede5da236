"""Limits of the real server of two processes, as callers meet them (A16, A32, F28; RFC 6585 section 4)."""

from __future__ import annotations

import json
import time
from itertools import cycle
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from redis import Redis

from exchange.limits.guesses import NOTICED
from exchange.protocol.request import CLIENT_CREDENTIALS
from partners import models
from policy.reasons import Reason
from tests import exchange_server
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.exchange.pair import assertion_form
from tests.load import under_load
from tests.oracle import granted, refused
from tests.waiting import wait_until
from tests.world import LEDGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.exchange_server import ExchangeServer
    from tests.services import Services

WORKERS = 2
RATE, BURST = 5, 40
QUOTA = 30
ANOTHER = "kestrel:odd%id+"
"""Another client of the same limit: tests run in any order, and each finds its own buckets full."""
ASKED = "kestrel-cron"
"""The client whose token a gateway asks about."""


def _limit_them() -> None:
    models.Client.objects.filter(client_id__in=["kestrel-batch", ANOTHER]).update(
        requests_per_minute=RATE * 60, burst=BURST
    )
    models.Client.objects.filter(client_id=ASKED).update(requests_per_minute=60, burst=10)
    models.Partner.objects.filter(slug="fjord").update(daily_quota=QUOTA)


@pytest.fixture(scope="module")
def limited(services: Services, django_db_blocker: Any) -> Iterator[ExchangeServer]:
    """Two processes, a Redis database of their own, and this machine's address as a proxy of ours."""
    url = services.redis.url(9)
    with Redis.from_url(url) as redis:
        redis.flushdb()
    settings = {
        "REDIS_URL": url,
        "HANDOVER_TRUSTED_PROXIES": "127.0.0.1/32",
        "HANDOVER_FAILED_AUTHENTICATIONS_PER_MINUTE": "60",
        "HANDOVER_SUBJECT_REQUESTS_PER_MINUTE": "600",
    }
    with exchange_server.running(
        services, django_db_blocker, workers=WORKERS, prepare=_limit_them, **settings
    ) as server:
        yield server


def from_address(server: ExchangeServer, forwarded: str, auth: tuple[str, str] | None = None) -> httpx.Response:
    """An exchange that a proxy of ours says came from this address; without ``auth`` by a client assertion."""
    form = assertion_form(server) if auth is None else server.form()
    return server.post(form, auth=auth, headers={"x-forwarded-for": forwarded})


def test_a_client_over_its_limit_is_told_when_to_come_back_in_every_process(limited: ExchangeServer) -> None:
    """The limit of both processes together is exact within what one of them holds at first sight."""
    tokens = [limited.world.idp.subject_token(limited.url, sub=f"user-{number}") for number in range(50)]
    credentials = dict(zip(("client_id", "client_secret"), limited.basic, strict=True))
    bodies = cycle(urlencode(limited.form(subject_token=token) | credentials).encode() for token in tokens)
    started = time.monotonic()
    with under_load(int(limited.url.rpartition(":")[2]), lambda: next(bodies), 16) as load:
        load.until(lambda: load.count(200) > BURST + 2 * RATE, "the burst and two seconds' worth were let through")
    seconds = time.monotonic() - started
    passed = load.count(200)
    assert {told.status for told in load.told} == {200, 429}
    assert (BURST + RATE * seconds) * 0.7 <= passed <= BURST + RATE * seconds + BURST
    slow = next(told for told in load.told if told.status == 429)
    assert slow.json["error"] == "slow_down"
    assert int(slow.headers["retry-after"]) >= 1
    assert slow.headers["ratelimit-policy"] == '"client";q=300;w=60'
    assert slow.headers["ratelimit"] == f'"client";r=0;t={slow.headers["retry-after"]}'


@attack("F28")
def test_a_refusal_for_the_limit_is_audited_and_other_clients_of_the_partner_go_on(limited: ExchangeServer) -> None:
    responses: list[httpx.Response] = []

    def is_over() -> bool:
        form = limited.form() | {"client_id": ANOTHER, "client_secret": limited.world.secret}
        responses.append(limited.post(form))
        return responses[-1].status_code == 429

    wait_until(is_over, "it is over its limit")
    event = refused(limited, responses[-1], "slow_down", Reason.LIMIT_CLIENT, status=429)
    assert event["client"] == ANOTHER
    granted(limited, limited.exchange())


@attack("F28")
def test_a_partners_day_ends_with_its_quota(limited: ExchangeServer) -> None:
    token = limited.world.other_idp.subject_token(limited.url, sub="fjord-user")
    responses = [
        limited.exchange(auth=("fjord-backend", limited.world.secret), subject_token=token) for _ in range(2 * QUOTA)
    ]
    passed = [response for response in responses if response.status_code == 200]
    assert QUOTA * 0.8 <= len(passed) <= QUOTA + QUOTA / 4 + 1
    event = refused(limited, responses[-1], "slow_down", Reason.LIMIT_DAY, status=429)
    assert event["partner"] == "fjord"
    assert responses[-1].headers["ratelimit-policy"] == f'"partner-day";q={QUOTA};w=86400'
    assert 1 <= int(responses[-1].headers["retry-after"]) <= 86400


def test_one_subject_is_limited_whoever_asks_and_others_are_not(limited: ExchangeServer) -> None:
    hot = limited.world.idp.subject_token(limited.url, sub="hot")
    responses: list[httpx.Response] = []

    def is_limited() -> bool:
        responses.append(limited.exchange(subject_token=hot))
        return responses[-1].status_code == 429

    wait_until(is_limited, "the subject is over its limit")
    assert len(responses) > 20
    refused(limited, responses[-1], "slow_down", Reason.LIMIT_SUBJECT, status=429)
    granted(limited, limited.exchange(subject_token=limited.world.idp.subject_token(limited.url, sub="cool")))


def _events(server: ExchangeServer, address: str) -> list[dict[str, Any]]:
    rows = server.rows("SELECT canonical FROM audit_event WHERE canonical LIKE %s", f'%"{address}"%')
    return [json.loads(canonical) for (canonical,) in rows]


def _counted(server: ExchangeServer, address: str) -> list[dict[str, Any]]:
    return [event for event in _events(server, address) if event["kind"] == "client.failures_counted"]


def _failures(server: ExchangeServer, address: str) -> tuple[int, int]:
    """How many failures of an address were written one by one, and how many were counted."""
    counted = [event["data"]["count"] for event in _counted(server, address)]
    return len(_events(server, address)) - len(counted), sum(counted)


@attack("A16")
def test_a16_who_guesses_secrets_is_throttled_and_nobody_else(limited: ExchangeServer) -> None:
    attacker, tries = "203.0.113.7", 200
    guesses = [
        from_address(limited, attacker, auth=("fjord-backend" if number % 2 else "kestrel-batch", f"guess-{number}"))
        for number in range(tries)
    ]
    looked_at = [response for response in guesses if response.status_code == 401]
    assert {response.status_code for response in guesses} == {401, 429}
    assert 10 <= len(looked_at) <= 45
    assert guesses[-1].json()["error"] == "slow_down"
    assert from_address(limited, attacker).status_code == 429, "a good request of it waits too"
    granted(limited, from_address(limited, "198.51.100.20"))
    wait_until(lambda: sum(_failures(limited, attacker)) >= tries, "every failure is written or counted")
    written, counted = _failures(limited, attacker)
    named = [event["data"]["clients"] for event in _counted(limited, attacker)]
    assert named
    assert set(named) <= {1, 2}
    assert written <= 20 * WORKERS
    assert written + counted >= tries + 1


def passed_by(server: ExchangeServer, forwarded: str, token: str, **query: str) -> httpx.Response:
    """What a gateway hears that asks about a request of this address."""
    headers = {"x-forwarded-for": forwarded, "authorization": f"Bearer {token}"}
    return server.http.get("/oauth/verify", params={"audience": LEDGER} | query, headers=headers)


@rule(14, "RFC 6750", "3.1")
def test_a_gateways_questions_are_charged_to_the_client_of_the_token(limited: ExchangeServer) -> None:
    form = {"grant_type": CLIENT_CREDENTIALS, "audience": LEDGER}
    token = limited.post(form, auth=(ASKED, limited.world.secret)).json()["access_token"]
    responses: list[httpx.Response] = []

    def is_over() -> bool:
        wanted = ("", "ledger.admin")[len(responses) % 2]
        responses.append(passed_by(limited, "198.51.100.30", token, scope=wanted))
        return responses[-1].status_code == 429

    wait_until(is_over, "the client is over its limit")
    assert len(responses) > 10
    assert {response.status_code for response in responses[:-1]} == {200, 403}
    event = refused(limited, responses[-1], "slow_down", Reason.LIMIT_CLIENT, status=429)
    assert event["client"] == ASKED
    assert int(responses[-1].headers["retry-after"]) >= 1
    assert responses[-1].headers["ratelimit-policy"] == '"client";q=60;w=60'
    other = granted(limited, from_address(limited, "198.51.100.30")).body["access_token"]
    assert passed_by(limited, "198.51.100.30", other).status_code == 200


@attack("A16")
def test_a16_who_guesses_tokens_is_throttled_and_no_client_pays_for_it(limited: ExchangeServer) -> None:
    attacker = "203.0.113.9"
    good = granted(limited, from_address(limited, "198.51.100.31")).body["access_token"]
    forged = good[:-8] + "AAAAAAAA"
    statuses = [passed_by(limited, attacker, forged).status_code for _ in range(120)]
    assert set(statuses) == {401, 429}
    assert statuses[-1] == 429
    assert statuses.count(401) <= 45
    assert from_address(limited, attacker).status_code == 429, "its address waits at the token endpoint too"
    assert passed_by(limited, "198.51.100.31", good).status_code == 200


@attack("A16")
def test_a16_guesses_from_many_addresses_are_noticed_once_and_lock_nobody_out(limited: ExchangeServer) -> None:
    target = ("heron-two", limited.world.secret)
    for number in range(2 * WORKERS * NOTICED):
        answer = from_address(limited, f"198.18.{number}.1", auth=(target[0], f"guess-{number}"))
        assert answer.status_code == 401, "no address of them is over its limit"

    def noticed() -> list[tuple[Any, ...]]:
        return limited.rows(
            "SELECT canonical FROM audit_event WHERE kind = 'client.guessing_noticed' AND canonical LIKE %s",
            f'%"{target[0]}"%',
        )

    wait_until(lambda: bool(noticed()), "the guesses are noticed")
    assert len(noticed()) <= WORKERS
    event = json.loads(noticed()[0][0])
    assert (event["partner"], event["client"], event["reason"]) == ("heron", target[0], Reason.SECRET_WRONG)
    assert event["data"] == {"count": NOTICED, "seconds": 60, "addresses": NOTICED}
    subject = limited.world.heron.services.subject_token(limited.url)
    form = limited.form(subject_token=subject)
    granted(limited, limited.post(form, auth=target, headers={"x-forwarded-for": "198.51.100.40"}))


@attack("A14")
def test_a14_a_used_assertion_stays_used_when_redis_forgets_everything(limited: ExchangeServer) -> None:
    form, headers = assertion_form(limited), {"x-forwarded-for": "198.51.100.50"}
    granted(limited, limited.post(form, headers=headers))
    with Redis.from_url(limited.environment["REDIS_URL"]) as redis:
        redis.flushdb()
    refused(limited, limited.post(form, headers=headers), "invalid_client", Reason.ASSERTION_REPLAYED)


@rule(154, "RFC 9700", "4.13")
@attack("A32")
def test_a32_a_forged_forwarding_field_does_not_make_another_address(limited: ExchangeServer) -> None:
    attacker = "203.0.113.8"
    statuses = [
        from_address(limited, f"10.0.0.{number % 250}, {attacker}", auth=("kestrel-batch", "guess")).status_code
        for number in range(120)
    ]
    assert statuses[-1] == 429
    assert statuses.count(401) <= 45
    granted(limited, from_address(limited, f"{attacker}, 198.51.100.21"))


def test_a_network_of_one_subscriber_counts_as_one_address(limited: ExchangeServer) -> None:
    statuses = [
        from_address(limited, f"2001:db8:7:7::{number:x}", auth=("kestrel-batch", "guess")).status_code
        for number in range(120)
    ]
    assert statuses[-1] == 429
    assert statuses.count(401) <= 45
    granted(limited, from_address(limited, "2001:db8:7:8::1"))


def test_f5_without_redis_requests_are_answered_and_limits_kept_by_the_process(
    services: Services, django_db_blocker: Any
) -> None:
    absent = "unix:///nonexistent/redis.sock"
    with exchange_server.running(services, django_db_blocker, prepare=_limit_them, REDIS_URL=absent) as server:
        said = server.output.read_text
        wait_until(lambda: "limits.kept_alone" in said(), "the process found out that Redis is away")
        statuses = [server.exchange(auth=server.basic).status_code for _ in range(2 * BURST)]
        assert set(statuses) == {200, 429}
        assert statuses.count(200) < BURST, "half the burst, and of that this process's share"
        granted(server, server.exchange())
        assert said().count("limits.kept_alone") == 1
