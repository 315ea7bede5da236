"""The two books that must agree: what the callers were told, and what the database holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.load import LOST, claims_of

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer
    from tests.load import Load, Told


def assert_no_token_without_its_event(server: ExchangeServer, load: Load) -> int:
    """Every token that was told has its row and its event (P1). Answers how many there were."""
    told = [claims_of(answer.json["access_token"]) for answer in load.told if answer.status == 200]
    rows = server.rows(
        """SELECT token.id::text, event.id::text FROM exchange_issuedtoken token
           JOIN audit_event event ON event.id = token.event_id AND event.kind = 'exchange.granted'
           JOIN audit_pending ON audit_pending.event_id = event.id"""
    )
    missing = {(claims["jti"], claims["txn"]) for claims in told} - set(rows)
    assert not missing, f"{len(missing)} of {len(told)} tokens were told and are not recorded"
    assert len({claims["jti"] for claims in told}) == len(told)
    return len(told)


def assert_honest(load: Load, *, may_lose: bool = False) -> None:
    """Whoever got no token was told to come back: 503, temporarily_unavailable, Retry-After (F1)."""
    allowed = {200, 503, LOST} if may_lose else {200, 503}
    assert {answer.status for answer in load.told} <= allowed
    for answer in load.told:
        if answer.status == 503:
            _assert_come_back(answer)


def _assert_come_back(answer: Told) -> None:
    assert answer.json["error"] == "temporarily_unavailable"
    assert int(answer.headers["retry-after"]) >= 1
    assert "access_token" not in answer.json
