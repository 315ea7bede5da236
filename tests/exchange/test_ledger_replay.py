"""What is good for one request is good for one: in parallel, across processes, within a batch (rules 33, 59)."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from policy.reasons import Reason
from tests.attacks import attack
from tests.exchange.in_process import calling, organisation
from tests.exchange.pair import assertion_form

if TYPE_CHECKING:
    from tests.exchange.pair import Pair, Reply
    from tests.exchange_server import ExchangeServer

PARALLEL = 100


def _events(server: ExchangeServer, replies: list[Reply]) -> list[dict[str, Any]]:
    """The one event of each reply."""
    references = [reply.headers["x-correlation-id"] for reply in replies]
    rows = server.rows("SELECT canonical FROM audit_event WHERE correlation_id = ANY(%s::uuid[])", references)
    assert len(rows) == len(set(references)) == len(replies)
    return [json.loads(canonical) for (canonical,) in rows]


@attack("A15")
def test_of_a_hundred_parallel_uses_of_one_assertion_exactly_one_succeeds(pair: Pair) -> None:
    form, jti = assertion_form(pair.server), str(uuid4())
    form["client_assertion"] = pair.server.world.backend.assertion(pair.server.world.issuer, jti=jti)

    replies = pair.at_once([form] * PARALLEL)

    assert sorted(reply.status for reply in replies) == [200] + [401] * (PARALLEL - 1)
    assert {reply.json["error"] for reply in replies if reply.status == 401} == {"invalid_client"}
    events = _events(pair.server, replies)
    assert sorted(event["reason"] for event in events) == [""] + [Reason.ASSERTION_REPLAYED] * (PARALLEL - 1)
    assert pair.server.rows("SELECT count(*) FROM exchange_spentjti WHERE jti = %s", jti) == [(1,)]


@attack("A14")
def test_of_a_hundred_parallel_uses_of_a_one_time_subject_token_exactly_one_succeeds(pair: Pair) -> None:
    token = pair.once.subject_token(pair.server.world.issuer)

    replies = pair.at_once([assertion_form(pair.server, subject_token=token) for _ in range(PARALLEL)])

    assert sorted(reply.status for reply in replies) == [200] + [400] * (PARALLEL - 1)
    assert {reply.json["error"] for reply in replies if reply.status == 400} == {"invalid_request"}
    reasons = sorted(event["reason"] for event in _events(pair.server, replies))
    assert reasons == [""] + [Reason.TOKEN_REPLAYED] * (PARALLEL - 1)


def test_a_used_assertion_stays_used_in_the_other_process(pair: Pair) -> None:
    form = assertion_form(pair.server)
    assert [reply.status for reply in pair.at_once([form])] == [200]

    replies = pair.at_once([form, form])

    assert [reply.status for reply in replies] == [401, 401]


def test_a_refused_request_spends_its_assertion_too(pair: Pair) -> None:
    form = assertion_form(pair.server, audience="https://unknown.example")
    assert [reply.json["error"] for reply in pair.at_once([form])] == ["invalid_target"]

    (again,) = pair.at_once([assertion_form(pair.server, client_assertion=form["client_assertion"])])

    assert again.status == 401


@pytest.mark.usefixtures("committed_database")
def test_second_uses_within_one_batch_are_refused_and_the_others_of_the_batch_are_not() -> None:
    world = organisation()

    async def send() -> list[int]:
        async with calling(world) as caller:
            form = caller.form()
            batch = [form, caller.form(), form, caller.form(), form]
            return [reply.status for reply in await asyncio.gather(*map(caller.post, batch))]

    assert asyncio.run(send()) == [200, 200, 401, 200, 401]
