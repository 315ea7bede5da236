"""npm oidc-provider as the identity provider of a partner: its tokens are exchanged for ours, by its published keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt

from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.oracle import granted, refused
from tests.world import LEDGER

if TYPE_CHECKING:
    from tests.interop.conftest import Stock


def test_its_access_token_for_us_is_exchanged_for_ours(stock: Stock) -> None:
    server, provider = stock.server, stock.provider
    answer = provider.token(server.url)
    assert answer.status_code == 200, answer.text
    assert jwt.get_unverified_header(answer.json()["access_token"])["typ"] == "at+jwt"
    grant = granted(server, server.exchange(subject_token=answer.json()["access_token"], scope="ledger.write"))
    assert grant.claims["src"]["iss"] == provider.issuer
    assert grant.claims["sub"] == f"partner:kestrel:{provider.client_id}"
    assert (grant.claims["aud"], grant.body["scope"]) == (LEDGER, "ledger.write")


def test_its_token_with_the_signature_of_another_one_is_refused(stock: Stock) -> None:
    server, provider = stock.server, stock.provider
    token = provider.token(server.url).json()["access_token"]
    other = provider.token(server.url).json()["access_token"]
    spliced = f"{token.rpartition('.')[0]}.{other.rpartition('.')[2]}"
    refused(server, server.exchange(subject_token=spliced), "invalid_request", Reason.SIGNATURE_WRONG)


@rule(29, "RFC 8693", "2.1")
def test_the_clients_of_another_partner_cannot_use_its_tokens(stock: Stock) -> None:
    server, provider = stock.server, stock.provider
    token = provider.token(server.url).json()["access_token"]
    response = server.exchange(auth=("fjord-backend", server.world.secret), subject_token=token)
    refused(server, response, "invalid_request", Reason.ISSUER_UNTRUSTED)
