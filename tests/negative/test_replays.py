"""What is good once, tried often, at once, and in two processes (A14, A15); and guessing at secrets (A16)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest

from policy.reasons import Reason
from tests import exchange_server
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.conformance.test_rfc9449 import proof
from tests.oracle import granted, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.exchange_server import ExchangeServer
    from tests.services import Services

AT_ONCE = 40


@pytest.fixture(scope="module")
def two_processes(services: Services, django_db_blocker: Any) -> Iterator[ExchangeServer]:
    """The same exchange as two processes behind one port."""
    with exchange_server.running(services, django_db_blocker, workers=2) as running:
        yield running


def at_once(server: ExchangeServer, send: Callable[[httpx.Client], httpx.Response]) -> list[httpx.Response]:
    """Many answers to the same request, each on a connection of its own, so that both processes are asked."""

    def one(_: int) -> httpx.Response:
        with httpx.Client(base_url=server.url, trust_env=False, timeout=20, verify=False) as http:
            return send(http)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, range(AT_ONCE)))


def one_of(server: ExchangeServer, responses: list[httpx.Response], error: str, reason: Reason) -> None:
    """Exactly one success; every other answer is the documented refusal with its own event."""
    yes = [response for response in responses if response.status_code == 200]
    assert len(yes) == 1, [response.text for response in responses]
    granted(server, yes[0])
    for response in responses:
        if response is not yes[0]:
            refused(server, response, error, reason)


@attack("A15")
@rule(59, "RFC 7523", "3")
def test_a15_of_many_parallel_uses_of_an_assertion_one_succeeds(two_processes: ExchangeServer) -> None:
    server = two_processes
    form = server.form() | {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": server.world.backend.assertion(server.url),
    }
    responses = at_once(server, lambda http: http.post("/oauth/token", data=form))
    one_of(server, responses, "invalid_client", Reason.ASSERTION_REPLAYED)


@attack("A14")
@rule(33, "RFC 8693", "2.1")
@rule(113, "own rule")
def test_a14_of_many_parallel_uses_of_a_one_time_token_one_succeeds(two_processes: ExchangeServer) -> None:
    server = two_processes
    form = server.form(subject_token=server.world.heron.once.subject_token(server.url))
    auth = ("heron-gateway", server.world.secret)
    responses = at_once(server, lambda http: http.post("/oauth/token", data=form, auth=auth))
    one_of(server, responses, "invalid_request", Reason.TOKEN_REPLAYED)


@attack("A14")
@rule(99, "RFC 9449", "11.1")
def test_a14_of_many_parallel_uses_of_a_proof_one_succeeds(two_processes: ExchangeServer) -> None:
    server = two_processes
    form, headers = server.form(), {"dpop": proof(server)}
    responses = at_once(server, lambda http: http.post("/oauth/token", data=form, auth=server.basic, headers=headers))
    one_of(server, responses, "invalid_dpop_proof", Reason.PROOF_REPLAYED)


@attack("A14")
@rule(113, "own rule")
def test_a14_tokens_signed_anew_under_one_identifier_are_one_token(two_processes: ExchangeServer) -> None:
    server, jti = two_processes, str(uuid4())
    forms = [
        server.form(subject_token=server.world.heron.once.subject_token(server.url, jti=jti, n=n)) for n in range(20)
    ]
    auth = ("heron-gateway", server.world.secret)
    with ThreadPoolExecutor(20) as threads:
        responses = list(threads.map(lambda form: server.post(form, auth=auth), forms))
    one_of(server, responses, "invalid_request", Reason.TOKEN_REPLAYED)


@attack("A16")
@rule(7, "RFC 6749", "5.2")
def test_a16_guessing_at_a_secret_gets_the_same_answer_each_time_and_disturbs_nobody(server: ExchangeServer) -> None:
    near = [server.world.secret[:-1], server.world.secret + "=", server.world.secret.swapcase(), "", " ", "\u00e9"]
    guesses = [*(guess for guess in near if guess), *(str(uuid4()) for _ in range(20))]
    token = server.world.idp.subject_token(server.url)
    for guess in guesses:
        response = server.exchange(auth=None, client_id="kestrel-batch", client_secret=guess, subject_token=token)
        refused(server, response, "invalid_client", Reason.SECRET_WRONG)
    granted(server, server.exchange(auth=server.basic, subject_token=token))
