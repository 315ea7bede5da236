"""Keys at a registered address, end to end: fetched when first needed, and not for whoever invents names (A4, A22)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from partners import models
from policy.reasons import Reason
from tests import exchange_server
from tests import world as worlds
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.exchange.sites import not_found, reply, site
from tests.oracle import granted, refused
from tests.signers import Signer, make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.exchange.sites import Request, Site
    from tests.exchange_server import ExchangeServer
    from tests.services import Services


@dataclass
class Pair:
    """A client and an issuer of kestrel that are known by the address of their keys alone."""

    server: ExchangeServer
    place: Site
    documents: dict[str, Any]
    client: Signer
    idp: Signer

    def exchange(self, **signers: Signer) -> httpx.Response:
        client, idp = signers.get("client", self.client), signers.get("idp", self.idp)
        return self.server.exchange(
            client_assertion=client.assertion(self.server.url), subject_token=idp.subject_token(self.server.url)
        )

    def fetches(self) -> list[str]:
        """Which of its key sets were asked for, in order."""
        own = {address(self.client): "client", address(self.idp): "idp"}
        return [own[path] for path in self.place.paths() if path in own]


def withdraw(pair: Pair) -> None:
    """Its addresses answer 404 from now on."""
    for signer in (pair.client, pair.idp):
        del pair.documents[address(signer)]


def address(signer: Signer) -> str:
    return "/" + signer.issuer.rpartition("/")[2]


def register(signers: list[tuple[Signer, Signer]], place: Site) -> None:
    kestrel = models.Partner.objects.get(slug="kestrel")
    ledger = models.Target.objects.get(name="ledger")
    for client, idp in signers:
        at_client, at_idp = (
            models.KeySource.objects.create(partner=kestrel, method="jwks_uri", location=url, jwks_uri=url)
            for url in (place.url + address(client), place.url + address(idp))
        )
        worlds.add_client(kestrel, client.issuer, key_source=at_client, methods=["private_key_jwt"])
        trust = worlds.add_trust(kestrel, idp, name=address(idp)[1:], key_source=at_idp)
        worlds.add_mapping(trust, ledger, address(idp)[1:], allows_impersonation=True)


@pytest.fixture(scope="module")
def pairs(services: Services, django_db_blocker: Any) -> Iterator[Iterator[Pair]]:
    """Fresh pairs, one for each test, at one server that may call this machine."""
    signers = [(Signer(f"rotating-{n}"), Signer(f"https://kestrel.example/idp-{n}")) for n in range(4)]
    documents = {address(signer): public_jwks(signer.key) for pair in signers for signer in pair}

    def answer(request: Request) -> bytes:
        document = documents.get(request.path)
        return not_found() if document is None else reply(document)

    with site(answer) as place:
        started: dict[str, Any] = {"prepare": lambda: register(signers, place)}
        started["HANDOVER_OUTBOUND_ALLOW"] = "127.0.0.1/32"
        with exchange_server.running(services, django_db_blocker, **started) as server:
            yield (Pair(server, place, documents, client, idp) for client, idp in signers)


@pytest.fixture
def pair(pairs: Iterator[Pair]) -> Pair:
    return next(pairs)


@attack("A4", "A22")
@rule(63, "RFC 7523", "3")
@rule(108, "RFC 8725", "3.10")
def test_keys_are_fetched_once_when_first_needed_and_invented_names_fetch_nothing_more(pair: Pair) -> None:
    server = pair.server
    granted(server, pair.exchange(idp=server.world.idp))
    assert pair.fetches() == ["client"]
    granted(server, pair.exchange())
    granted(server, pair.exchange())
    assert pair.fetches() == ["client", "idp"]
    for number in range(20):
        impostor = Signer(pair.client.issuer, make_key("ES256", kid=f"invented-{number}"))
        refused(server, pair.exchange(client=impostor), "invalid_client", Reason.ASSERTION_REFUSED)
        stranger = Signer(pair.idp.issuer, make_key("ES256", kid=f"invented-{number}"))
        refused(server, pair.exchange(idp=stranger), "invalid_request", Reason.KEY_UNKNOWN)
    assert pair.fetches() == ["client", "idp"]


@rule(63, "RFC 7523", "3")
def test_a_request_that_needs_two_key_sets_waits_for_one_and_the_next_one_succeeds(pair: Pair) -> None:
    refused(pair.server, pair.exchange(), "invalid_request", Reason.KEY_UNKNOWN)
    assert pair.fetches() == ["client"]
    granted(pair.server, pair.exchange())


@attack("F12")
@rule(63, "RFC 7523", "3")
def test_keys_that_were_fetched_stay_in_force_while_their_address_fails(pair: Pair) -> None:
    granted(pair.server, pair.exchange(idp=pair.server.world.idp))
    granted(pair.server, pair.exchange())
    withdraw(pair)
    granted(pair.server, pair.exchange())


@rule(53, "RFC 8693", "2.2.2")
@rule(63, "RFC 7523", "3")
def test_an_address_that_never_answered_well_refuses_in_the_same_words(pair: Pair) -> None:
    withdraw(pair)
    refused(pair.server, pair.exchange(), "invalid_client", Reason.ASSERTION_REFUSED)
    known = pair.server.world.backend
    response = pair.exchange(client=known)
    refused(pair.server, response, "invalid_request", Reason.KEY_UNKNOWN)
