"""npm @modelcontextprotocol/client: its exchange across applications, which is not ours to answer yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.interop.node import run
from tests.world import LEDGER

if TYPE_CHECKING:
    from tests.interop.conftest import Stock


@rule(19, "RFC 8693", "2.1")
def test_its_request_for_an_identity_assertion_is_an_invalid_request(stock: Stock) -> None:
    server = stock.server
    asked = {
        "id_token": server.world.idp.subject_token(server.url),
        "client_id": "kestrel-batch",
        "client_secret": server.world.secret,
        "audience": LEDGER,
        "resource": "https://ledger.meridian.example/v1",
    }
    done = run("modelcontextprotocol.mjs", issuer=server.url, cross_application=asked)
    assert done["refused"]["text"].startswith("Token exchange failed: invalid_request - ")
    reference = done["refused"]["text"].rpartition(" Reference ")[2].rstrip(".")
    rows = server.rows("SELECT canonical::json ->> 'reason' FROM audit_event WHERE correlation_id = %s", reference)
    assert rows == [(Reason.TOKEN_TYPE_UNSUPPORTED,)]
