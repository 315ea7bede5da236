"""Exchanges against the revocation of what they exchange: whoever wins, no live token is left (reliability.md 3.2)."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from exchange.protocol.request import TOKEN_EXCHANGE
from tests.attacks import attack
from tests.campaign import rounds
from tests.conformance.rules import rule
from tests.load import claims_of, post
from tests.world import ACCESS_TOKEN, LEDGER, REPORTS

if TYPE_CHECKING:
    from tests.exchange.pair import Pair

RACES = rounds(160)
AT_ONCE = 8
STAGGER = 0.004
"""Seconds within which the racers start: as long as one batch of the ledger takes, so that all orders occur."""


@dataclass(slots=True)
class Tally:
    """How the races went: tokens issued before the end of their ancestor, and refusals because of it."""

    issued: list[str]
    refused: int = 0


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _post(line: Line, body: bytes, path: str = "/oauth/token") -> tuple[int, dict[str, str], bytes]:
    reader, writer = line
    return await post(reader, writer, body, path)


class Racer:
    """One line of races, over connections of its own to both processes."""

    def __init__(self, pair: Pair, tally: Tally) -> None:
        self._pair = pair
        self._tally = tally
        self._world = pair.server.world

    async def run(self, races: int) -> None:
        """So many races, one after the other."""
        ports = [self._pair.ports[number % 2] for number in range(4)]
        lines = [await asyncio.open_connection("127.0.0.1", port) for port in ports]
        try:
            for _ in range(races):
                await self._race(lines)
        finally:
            for _, writer in lines:
                writer.close()

    async def _race(self, lines: list[Line]) -> None:
        parent = await self._token(lines[0], self._first())
        child = await self._token(lines[1], self._onwards(parent, "kestrel-batch", LEDGER, "ledger.read"))
        tries = [
            self._later(lines[1], self._onwards(parent, "ledger-service", REPORTS, "reports.read")),
            self._later(lines[2], self._onwards(child, "ledger-service", REPORTS, "reports.read")),
            self._later(lines[3], self._onwards(parent, "kestrel-batch", LEDGER, "ledger.read")),
        ]
        given_back, *answers = await asyncio.gather(self._later(lines[0], self._back(parent), "/oauth/revoke"), *tries)
        assert given_back[0] == 200
        for answer in answers:
            self._count(*answer)
        after = await _post(lines[1], self._onwards(child, "ledger-service", REPORTS, "reports.read"))
        assert (after[0], json.loads(after[2])["error"]) == (400, "invalid_request")

    def _count(self, status: int, _: dict[str, str], body: bytes) -> None:
        said = json.loads(body)
        if status == 200:
            self._tally.issued.append(claims_of(said["access_token"])["jti"])
            return
        assert (status, said["error"]) == (400, "invalid_request"), said
        self._tally.refused += 1

    async def _later(self, line: Line, body: bytes, path: str = "/oauth/token") -> tuple[int, dict[str, str], bytes]:
        await asyncio.sleep(random.uniform(0, STAGGER))
        return await _post(line, body, path)

    async def _token(self, line: Line, body: bytes) -> str:
        status, _, answer = await _post(line, body)
        assert status == 200, answer
        return str(json.loads(answer)["access_token"])

    def _first(self) -> bytes:
        return self._body("kestrel-batch", self._pair.server.form(scope="ledger.read ledger.write"))

    def _onwards(self, token: str, client: str, audience: str, scope: str) -> bytes:
        form = {"grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
        return self._body(client, form | {"audience": audience, "scope": scope})

    def _back(self, token: str) -> bytes:
        return self._body("kestrel-batch", {"token": token})

    def _body(self, client: str, form: dict[str, Any]) -> bytes:
        return urlencode(form | {"client_id": client, "client_secret": self._world.secret}).encode()


@attack("A24")
@rule(35, "RFC 8693", "2.1")
def test_no_live_token_comes_of_one_that_is_being_revoked(pair: Pair) -> None:
    tally = Tally([])

    async def race() -> None:
        share = -(-RACES // AT_ONCE)
        await asyncio.gather(*(Racer(pair, tally).run(share) for _ in range(AT_ONCE)))

    asyncio.run(race())
    ((alive,),) = pair.server.rows(
        "SELECT count(*) FROM unnest(%s::uuid[]) AS issued(id) WHERE exchange_stands(issued.id)", tally.issued
    )
    sys.stdout.write(
        f"{RACES} races: {len(tally.issued)} exchanges won, {tally.refused} lost, {alive} live descendants\n"
    )
    assert alive == 0
    assert tally.issued, "no exchange ever came first: nothing was raced"
    assert tally.refused, "no revocation ever came first: nothing was raced"
