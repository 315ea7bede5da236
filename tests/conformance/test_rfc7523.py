"""Clients that authenticate by a signed assertion: RFC 7521 section 4.2, RFC 7523 section 3 and its revision."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from policy.reasons import Reason
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.oracle import granted, refused
from tests.signers import Signer, make_key

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer


def heron(server: ExchangeServer, assertion: str, **changes: Any) -> Any:
    """An exchange of one of heron's clients, which authenticates by this assertion."""
    token = server.world.heron.services.subject_token(server.url)
    return server.exchange(client_assertion=assertion, subject_token=token, **changes)


@rule(59, "RFC 7523", "3")
@rule(58, "RFC 7521", "4.2")
def test_a_good_assertion_authenticates_alone_and_beside_its_own_client_id(server: ExchangeServer) -> None:
    assert granted(server, server.exchange()).claims["client_id"] == "kestrel-backend"
    assert granted(server, server.exchange(client_id="kestrel-backend")).event["client"] == "kestrel-backend"


@rule(58, "RFC 7521", "4.2")
def test_another_client_id_beside_it_is_refused(server: ExchangeServer) -> None:
    response = server.exchange(client_id="kestrel-batch")
    refused(server, response, "invalid_request", Reason.CLIENT_ID_MISMATCH)


@rule(58, "RFC 7521", "4.2")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_assertion_type": None},
        {"client_assertion": None},
        {"client_assertion_type": "jwt-bearer"},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
    ],
    ids=["no type", "no assertion", "a short type", "another type"],
)
def test_assertion_and_type_come_together(server: ExchangeServer, changes: dict[str, str | None]) -> None:
    response = server.exchange(**changes)
    refused(server, response, "invalid_client", Reason.CREDENTIALS_MALFORMED)
    assert "www-authenticate" not in response.headers


@attack("A15")
@rule(59, "RFC 7523", "3")
def test_an_assertion_is_good_once(server: ExchangeServer) -> None:
    assertion = server.world.backend.assertion(server.url)
    granted(server, server.exchange(client_assertion=assertion))
    refused(server, server.exchange(client_assertion=assertion), "invalid_client", Reason.ASSERTION_REPLAYED)


@rule(59, "RFC 7523", "3")
def test_an_assertion_is_used_up_by_a_refused_request_too(server: ExchangeServer) -> None:
    assertion = server.world.backend.assertion(server.url)
    refused(server, server.exchange(client_assertion=assertion, audience="x"), "invalid_target", Reason.TARGET_UNKNOWN)
    refused(server, server.exchange(client_assertion=assertion), "invalid_client", Reason.ASSERTION_REPLAYED)


@rule(113, "own rule")
@rule(59, "RFC 7523", "3")
def test_another_assertion_with_the_same_jti_is_a_replay_and_of_another_client_it_is_not(
    server: ExchangeServer,
) -> None:
    signer, other = server.world.backend, server.world.heron.gateway
    granted(server, server.exchange(client_assertion=signer.assertion(server.url, jti="same-for-both")))
    again = signer.assertion(server.url, jti="same-for-both", extra="other text")
    refused(server, server.exchange(client_assertion=again), "invalid_client", Reason.ASSERTION_REPLAYED)
    granted(server, heron(server, other.assertion(server.url, jti="same-for-both")))


@rule(60, "RFC 7523bis", "3")
@pytest.mark.parametrize("as_list", [False, True], ids=["text", "a list of one"])
def test_our_issuer_is_the_audience(server: ExchangeServer, *, as_list: bool) -> None:
    audience = [server.url] if as_list else server.url
    granted(server, server.exchange(client_assertion=server.world.backend.assertion(audience)))


@attack("A15")
@rule(60, "RFC 7523bis", "3")
def test_a_client_that_was_set_so_may_name_the_token_endpoint_and_no_other_may(server: ExchangeServer) -> None:
    world = server.world
    granted(server, heron(server, world.heron.legacy.assertion(world.token_endpoint)))
    granted(server, heron(server, world.heron.legacy.assertion(server.url)))
    response = heron(server, world.heron.gateway.assertion(world.token_endpoint))
    refused(server, response, "invalid_client", Reason.ASSERTION_REFUSED)
    response = heron(server, world.heron.legacy.assertion([server.url, world.token_endpoint]))
    refused(server, response, "invalid_client", Reason.ASSERTION_REFUSED)


@rule(61, "RFC 7523bis", "3")
@pytest.mark.parametrize("typ", ["client-authentication+jwt", "application/client-authentication+jwt", "JWT", None])
def test_its_own_type_a_plain_one_and_none_are_accepted(server: ExchangeServer, typ: str | None) -> None:
    assertion = server.world.backend.assertion(server.url, header={"typ": typ})
    granted(server, server.exchange(client_assertion=assertion))


@rule(59, "RFC 7523", "3")
def test_a_lifetime_of_five_minutes_and_a_clock_that_is_off_by_half_a_minute_are_accepted(
    server: ExchangeServer,
) -> None:
    issued = int(time.time()) + 30
    assertion = server.world.backend.assertion(server.url, iat=issued, nbf=issued, exp=issued + 300)
    granted(server, server.exchange(client_assertion=assertion))


@rule(62, "RFC 7523", "3")
@rule(106, "RFC 8725", "3.1")
@pytest.mark.parametrize("alg", ["ES384", "RS256", "PS256", "Ed25519"])
def test_an_algorithm_the_client_did_not_register_does_not_authenticate(server: ExchangeServer, alg: str) -> None:
    signer = Signer("kestrel-backend", make_key(alg, kid=str(server.world.backend.key.kid)))
    response = server.exchange(client_assertion=signer.assertion(server.url))
    refused(server, response, "invalid_client", Reason.ASSERTION_REFUSED)


@rule(63, "RFC 7523", "3")
def test_a_key_that_was_not_registered_does_not_authenticate_under_a_registered_name(server: ExchangeServer) -> None:
    impostor = Signer("kestrel-backend", make_key("ES256", kid=str(server.world.backend.key.kid)))
    response = server.exchange(client_assertion=impostor.assertion(server.url))
    refused(server, response, "invalid_client", Reason.ASSERTION_REFUSED)


@rule(63, "RFC 7523", "3")
def test_a_client_with_one_key_need_not_name_it(server: ExchangeServer) -> None:
    assertion = server.world.backend.assertion(server.url, header={"kid": None})
    granted(server, server.exchange(client_assertion=assertion))


@attack("A15")
@rule(110, "RFC 8725", "3.9")
def test_another_clients_key_does_not_authenticate(server: ExchangeServer) -> None:
    stolen = server.world.heron.gateway.assertion(server.url, iss="kestrel-backend", sub="kestrel-backend")
    refused(server, server.exchange(client_assertion=stolen), "invalid_client", Reason.ASSERTION_REFUSED)


@rule(26, "RFC 8693", "2.1")
def test_a_client_authenticates_only_as_it_is_registered(server: ExchangeServer) -> None:
    response = server.exchange(auth=("heron-keyless", server.world.secret))
    refused(server, response, "invalid_client", Reason.SECRET_WRONG)
