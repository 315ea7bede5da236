"""npm openid-client: exchange with private_key_jwt, DPoP with a nonce that is asked for, introspection, revocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tests.conformance.rules import rule
from tests.interop.conftest import private_jwk
from tests.interop.node import run
from tests.signers import Signer, make_key
from tests.world import ACCESS_TOKEN, LEDGER

if TYPE_CHECKING:
    from tests.interop.conftest import Stock


def exchange(stock: Stock, signer: Signer, *, parameters: dict[str, str] | None = None, **told: Any) -> dict[str, Any]:
    """What the library makes of an exchange as this client."""
    server = stock.server
    asked = {
        "subject_token": server.world.idp.subject_token(server.url),
        "subject_token_type": ACCESS_TOKEN,
        "audience": LEDGER,
        "scope": "ledger.read",
    }
    described = {"issuer": server.url, "algorithm": "oauth2", "client_id": signer.issuer, "key": private_jwk(signer)}
    done: dict[str, Any] = run(
        "openid-client.mjs", **described | told, parameters=asked | (parameters or {}), gateway=stock.gateway
    )
    return done


@rule(60, "RFC 7523bis", "3")
@pytest.mark.parametrize("algorithm", ["oauth2", "oidc"])
def test_it_exchanges_asks_about_the_token_and_gives_it_back(stock: Stock, algorithm: str) -> None:
    done = exchange(stock, stock.server.world.backend, algorithm=algorithm)
    answer = done["exchanged"]["value"]
    assert (answer["token_type"], answer["scope"], answer["issued_token_type"]) == (
        "bearer",
        "ledger.read",
        ACCESS_TOKEN,
    )
    assert (done["before"]["active"], done["before"]["client_id"]) == (True, "kestrel-backend")
    assert done["before"]["scope"] == "ledger.read"
    assert "refused" not in done["revoked"]
    assert done["after"] == {"active": False}


@rule(100, "RFC 9449", "8")
def test_it_answers_the_demand_for_a_nonce_and_the_token_is_bound_to_its_key(stock: Stock) -> None:
    done = exchange(stock, stock.careful, dpop=True)
    assert done["calls"] == [{"status": 400, "nonce": True}, {"status": 200, "nonce": True}]
    answer = done["exchanged"]["value"]
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert answer["token_type"] == "dpop"
    assert claims["cnf"] == done["before"]["cnf"] == {"jkt": done["thumbprint"]}
    assert done["after"] == {"active": False}


def test_it_reads_our_refusal_of_a_wrong_key_and_of_a_scope_that_is_not_mapped(stock: Stock) -> None:
    impostor = Signer("kestrel-backend", make_key("ES256", kid=stock.server.world.backend.key.kid or ""))
    refused = exchange(stock, impostor)["exchanged"]["refused"]
    assert (refused["error"], refused["status"]) == ("invalid_client", 401)
    refused = exchange(stock, stock.server.world.backend, parameters={"scope": "ledger.admin"})["exchanged"]["refused"]
    assert (refused["error"], refused["status"]) == ("invalid_scope", 400)
