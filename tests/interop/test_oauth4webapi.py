"""npm oauth4webapi: discovery, a bound token, its RFC 9068 checks, signed introspection (RFC 9701), revocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.rules import rule
from tests.interop.conftest import private_jwk
from tests.interop.node import run
from tests.signers import Signer, make_key
from tests.world import ACCESS_TOKEN, LEDGER, REPORTS

if TYPE_CHECKING:
    from tests.interop.conftest import Stock


def flow(stock: Stock, signer: Signer) -> dict[str, Any]:
    """What the library makes of everything it can do here, as this client."""
    server = stock.server
    done: dict[str, Any] = run(
        "oauth4webapi.mjs",
        issuer=server.url,
        client_id=signer.issuer,
        key=private_jwk(signer),
        parameters={
            "subject_token": server.world.idp.subject_token(server.url),
            "subject_token_type": ACCESS_TOKEN,
            "audience": LEDGER,
        },
        audience=LEDGER,
        other_audience=REPORTS,
        gateway=stock.gateway,
    )
    return done


@pytest.fixture(scope="module")
def done(stock: Stock) -> dict[str, Any]:
    return flow(stock, stock.server.world.backend)


def test_it_finds_the_endpoints_and_exchanges_with_a_proof(done: dict[str, Any]) -> None:
    answer = done["bound"]["value"]
    assert (answer["token_type"], answer["issued_token_type"]) == ("dpop", ACCESS_TOKEN)


@rule(103, "RFC 9449", "7.2")
def test_as_a_resource_server_it_takes_the_token_with_its_proof_and_nothing_else(done: dict[str, Any]) -> None:
    accepted = done["accepted"]["value"]
    assert (accepted["aud"], accepted["cnf"]) == (LEDGER, {"jkt": done["thumbprint"]})
    assert "aud" in done["elsewhere"]["refused"]["text"]
    assert "DPoP" in done["as_bearer"]["refused"]["text"]


@rule(81, "RFC 9701", "5")
def test_it_verifies_the_signed_answer_about_the_token(done: dict[str, Any]) -> None:
    assert done["signed"]["type"] == "application/token-introspection+jwt"
    assert done["signed"]["members"] == done["plain"]["members"]
    assert done["signed"]["members"]["active"] is True


def test_after_its_revocation_the_token_is_not_active(done: dict[str, Any]) -> None:
    assert "refused" not in done["revoked"]
    assert done["after"]["members"] == {"active": False}


def test_it_reads_our_refusal_of_a_wrong_key(stock: Stock) -> None:
    impostor = Signer("kestrel-backend", make_key("ES256", kid=stock.server.world.backend.key.kid or ""))
    refused = flow(stock, impostor)["bound"]["refused"]
    assert (refused["error"], refused["status"]) == ("invalid_client", 401)
