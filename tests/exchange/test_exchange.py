"""One exchange, end to end, over real HTTP: the answer, the token, the rows and the event say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import jwt

from tests.conformance.rules import OWN, rule
from tests.world import LEDGER

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer


def test_a_partners_token_becomes_ours(server: ExchangeServer) -> None:
    response = server.exchange(scope="ledger.read ledger.write")
    assert response.status_code == 200, response.text
    body, event = response.json(), server.event(response)
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (claims["iss"], claims["aud"]) == (server.url, LEDGER)
    assert claims["sub"] == "partner:kestrel:user-1"
    assert claims["src"] == {"iss": server.world.idp.issuer, "sub": "user-1"}
    assert claims["scope"] == body["scope"] == "ledger.read ledger.write"
    assert (event["id"], event["outcome"]) == (claims["txn"], "granted")
    assert event["data"]["token"]["jti"] == claims["jti"]


def test_the_rows_of_a_token_say_what_the_token_says(server: ExchangeServer) -> None:
    response = server.exchange(scope="ledger.read")
    claims = jwt.decode(response.json()["access_token"], options={"verify_signature": False})
    ((family, event, subject, audience, scope, expires_at),) = server.rows(
        "SELECT family_id, event_id, subject, audience, scope, extract(epoch FROM expires_at)::bigint"
        " FROM exchange_issuedtoken WHERE id = %s",
        claims["jti"],
    )
    assert (family, event) == (UUID(claims["fam"]), UUID(claims["txn"]))
    assert (subject, audience, scope, expires_at) == (claims["sub"], [LEDGER], "ledger.read", claims["exp"])
    roots = server.rows("SELECT root_issuer, revoked_at FROM exchange_tokenfamily WHERE id = %s", family)
    assert roots == [(server.world.idp.issuer, None)]
    assert server.rows("SELECT 1 FROM audit_pending WHERE event_id = %s", event) == [(1,)]


@rule(158, OWN)
def test_the_text_of_a_token_is_stored_nowhere(server: ExchangeServer) -> None:
    subject_token = server.world.idp.subject_token(server.url)
    issued = server.exchange(subject_token=subject_token).json()["access_token"]
    for table in ("exchange_issuedtoken", "exchange_tokenfamily", "exchange_spentjti", "audit_event"):
        for token in (subject_token, issued):
            signature = token.rpartition(".")[2]
            assert server.rows(f"SELECT 1 FROM {table} t WHERE t::text LIKE %s", f"%{signature}%") == []
