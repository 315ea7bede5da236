"""npm @modelcontextprotocol/client: client credentials, and an exchange across applications that we refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.interop.conftest import private_jwk
from tests.interop.node import run
from tests.signers import Signer, make_key
from tests.world import LEDGER

if TYPE_CHECKING:
    from tests.interop.conftest import Stock


def credentials(stock: Stock, signer: Signer, **changes: str) -> dict[str, Any]:
    """What its provider of client credentials with private_key_jwt makes of our endpoint, as this client."""
    asked = {"client_id": signer.issuer, "scope": "ledger.read", "resource": "https://ledger.meridian.example/v1"}
    described = asked | changes | {"key": private_jwk(signer)}
    done: dict[str, Any] = run("modelcontextprotocol.mjs", issuer=stock.server.url, credentials=described)
    return done


@rule(60, "RFC 7523bis", "3")
def test_its_client_credentials_are_good_for_a_token_of_its_own(stock: Stock) -> None:
    answer = credentials(stock, stock.agent)["value"]
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "ledger.read")
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["aud"], claims["client_id"]) == (LEDGER, "kestrel-agent")


def test_it_reads_our_refusals_of_a_wrong_key_a_wrong_resource_and_a_client_that_may_not(stock: Stock) -> None:
    impostor = Signer(stock.agent.issuer, make_key("ES256", kid=stock.agent.key.kid or ""))
    assert credentials(stock, impostor)["refused"]["code"] == "invalid_client"
    assert credentials(stock, stock.agent, resource="https://evil.example/")["refused"]["code"] == "invalid_target"
    assert credentials(stock, stock.server.world.backend)["refused"]["code"] == "unauthorized_client"


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
