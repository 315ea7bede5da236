"""Tokens of ours that say nothing by themselves, from their issue to their end: RFC 8693, RFC 7662, RFC 7009, RFC 6750.

What a JWT would say the ledger keeps under the digest of the text, so both kinds go one way once they are read.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

import pytest

from audit.events import SYSTEM
from exchange.protocol.request import JWT_BEARER
from partners import models
from partners import services as partners
from partners.changes import changing
from policy.reasons import Reason
from tests import exchange_server, vault
from tests import services as plugin
from tests.conformance.rules import rule
from tests.conformance.test_foreign_opaque_tokens import ask_at
from tests.conformance.test_own_subjects import by_itself, first, give_back, onwards
from tests.conformance.test_rfc6750 import ORIGINAL, pass_by
from tests.conformance.test_rfc6750 import proof as proof_for
from tests.conformance.test_rfc7662 import ask, claims_of
from tests.conformance.test_rfc9449 import HOLDER, OTHER, proof, thumbprint
from tests.introspection_endpoints import Endpoint
from tests.oracle import granted, referenced, refused
from tests.vault import VAULT
from tests.waiting import wait_until
from tests.world import ACCESS_TOKEN, ID_TOKEN, JWT, LEDGER, REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exchange_server import ExchangeServer
    from tests.services import Services

GATEWAY = "vault-gateway"
SERVICE = "vault-service"


@dataclass
class Yard:
    """The server, whose database this process's Django writes to, and the issuer of opaque tokens that fjord has."""

    server: ExchangeServer
    endpoint: Endpoint = field(default_factory=lambda: Endpoint(issuer="https://sessions.fjord.example"))


def prepare(yard: Yard) -> None:
    vault.build()
    ask_at(models.Partner.objects.get(slug="fjord"), yard.endpoint)


@pytest.fixture(scope="module")
def yard(services: Services, django_db_blocker: Any) -> Iterator[Yard]:
    yard = Yard(server=None)  # type: ignore[arg-type]
    started: dict[str, Any] = {
        "prepare": lambda: prepare(yard),
        "HANDOVER_OUTBOUND_ALLOW": "127.0.0.1/32",
        "HANDOVER_TRUSTED_PROXIES": "127.0.0.1/32",
    }
    yard.endpoint.start()
    try:
        with exchange_server.running(services, django_db_blocker, **started) as server:
            yard.server = server
            yield yard
    finally:
        yard.endpoint.stop()


@pytest.fixture
def server(yard: Yard) -> ExchangeServer:
    return yard.server


def issued(server: ExchangeServer, **changes: Any) -> str:
    """A reference for the vault, exchanged by a partner's client from its identity provider's token."""
    answer = server.exchange(**{"auth": server.basic, "audience": VAULT} | changes)
    return str(referenced(server, answer).body["access_token"])


def onto(server: ExchangeServer, token: str, **changes: Any) -> Any:
    """The vault's own service exchanges the token it was called with for a JWT to call the reports."""
    return onwards(server, token, **{"client": SERVICE} | changes)


def told(server: ExchangeServer, token: str) -> dict[str, Any]:
    answer: dict[str, Any] = ask(server, token, client=GATEWAY).json()
    return answer


@rule(50, "RFC 8693", "2.2.1")
@rule(68, "RFC 9068", "3")
def test_a_target_that_wants_references_gets_a_text_that_says_nothing(server: ExchangeServer) -> None:
    grant = referenced(server, server.exchange(audience=VAULT))
    assert grant.body.keys() == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert (grant.body["issued_token_type"], grant.body["token_type"]) == (ACCESS_TOKEN, "Bearer")
    assert (grant.body["scope"], grant.body["expires_in"]) == ("vault.read", 300)
    assert (grant.claims["aud"], grant.claims["sub"]) == (VAULT, "partner:kestrel:user-1")
    assert grant.claims["txn"] == grant.event["id"]
    assert grant.event["data"]["token"]["kid"] == ""
    jwt = granted(server, server.exchange())
    assert grant.claims.keys() == jwt.claims.keys()


def test_the_text_is_kept_nowhere_and_no_jwt_is_kept_at_all(server: ExchangeServer) -> None:
    token = issued(server)
    granted(server, onto(server, token))
    ask(server, token, client=GATEWAY)
    for table in ("exchange_issuedtoken", "exchange_tokenfamily", "exchange_spentjti", "audit_event"):
        query = f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE %s"
        assert server.rows(query, f"%{token.removeprefix('ho_')}%") == [(0,)]
    signed = granted(server, server.exchange()).claims
    query = "SELECT digest, claims FROM exchange_issuedtoken WHERE id = %s"
    assert server.rows(query, signed["jti"]) == [(None, None)]


@rule(78, "RFC 7662", "2.2")
@rule(80, "RFC 7662", "2.2")
def test_a_gateway_hears_of_a_reference_all_that_a_jwt_would_say(server: ExchangeServer) -> None:
    grant = referenced(server, server.exchange(audience=VAULT, scope="vault.read vault.write"))
    answer = ask(server, grant.body["access_token"], client=GATEWAY)
    assert answer.json() == {
        "active": True,
        "scope": "vault.read vault.write",
        "token_type": "Bearer",
        **{name: value for name, value in grant.claims.items() if name != "scope"},
    }
    assert answer.headers["cache-control"] == "no-store"


@rule(79, "RFC 7662", "4")
def test_who_neither_serves_the_target_nor_holds_the_token_hears_nothing(server: ExchangeServer) -> None:
    token = issued(server)
    assert ask(server, token, client="kestrel-batch").json()["active"] is True
    for client in ("ledger-gateway", "fjord-backend"):
        answer = ask(server, token, client=client)
        assert answer.json() == {"active": False}
        assert server.event(answer)["reason"] == Reason.TOKEN_OF_OTHERS


@rule(78, "RFC 7662", "2.2")
@rule(14, "RFC 6750", "3.1")
@rule(75, "RFC 7009", "2.2")
@pytest.mark.parametrize("text", ["ho_", "ho_" + "A" * 43, "ho_" + "é" * 43, "ho_" + "A" * 9000, "ho_a.b.c"])
def test_a_text_that_was_never_issued_is_like_any_other_unknown_token(server: ExchangeServer, text: str) -> None:
    answer = ask(server, text, client=GATEWAY)
    assert (answer.status_code, answer.json()) == (200, {"active": False})
    assert server.event(answer)["reason"] == Reason.TOKEN_UNKNOWN
    given_back = give_back(server, text)
    assert (given_back.json(), server.event(given_back)["reason"]) == ({}, Reason.TOKEN_UNKNOWN)
    if text.isascii():
        stopped = pass_by(server, f"Bearer {text}", query={"audience": VAULT, "scope": "vault.read"})
        assert stopped.status_code == 401
        assert 'error="invalid_token"' in stopped.headers["www-authenticate"]


@rule(75, "RFC 7009", "2.1")
@rule(77, "RFC 7009", "2.1")
@rule(76, "RFC 7009", "2.1")
def test_a_reference_given_back_is_over_at_once_and_nobody_else_can_end_it(server: ExchangeServer) -> None:
    token = issued(server)
    child = str(granted(server, onto(server, token)).body["access_token"])
    assert server.event(give_back(server, token, client="fjord-backend"))["reason"] == Reason.TOKEN_OF_OTHERS
    assert told(server, token)["active"] is True
    answer = give_back(server, token)
    assert server.event(answer)["kind"] == "token.revoked"
    assert told(server, token) == {"active": False}
    assert ask(server, child, client="reports-gateway").json() == {"active": False}
    assert passes(server, token).status_code == 401
    refused(server, onto(server, token), "invalid_request", Reason.TOKEN_REVOKED)


@rule(34, "RFC 8693", "2.1")
@rule(78, "RFC 7662", "2.2")
def test_a_reference_ends_with_what_it_was_made_from(server: ExchangeServer) -> None:
    soon = server.world.idp.subject_token(server.url, exp=int(time.time()) + 3)
    token = issued(server, subject_token=soon)
    wait_until(lambda: not told(server, token)["active"], "the token is over")
    assert server.event(ask(server, token, client=GATEWAY))["reason"] == Reason.TOKEN_EXPIRED
    assert passes(server, token).status_code == 401
    refused(server, onto(server, token), "invalid_request", Reason.TOKEN_EXPIRED)


@rule(77, "RFC 7009", "2.1")
def test_a_reference_is_worth_nothing_while_its_partner_is_suspended(
    server: ExchangeServer, services: Services, django_db_blocker: Any
) -> None:
    token = issued(server)
    database = server.dsn.partition("?")[0].rpartition("/")[2]
    with django_db_blocker.unblock(), plugin.database_in_use(services, database):
        with changing(SYSTEM) as change:
            partners.suspend_partner(change, "kestrel")
        try:
            assert told(server, token) == {"active": False}
            assert passes(server, token).status_code == 401
            refused(server, onto(server, token), "invalid_request", Reason.TOKEN_REVOKED)
        finally:
            with changing(SYSTEM) as change:
                partners.reinstate_partner(change, "kestrel")
    assert told(server, token)["active"] is True


def passes(server: ExchangeServer, token: str, scheme: str = "Bearer", **changes: Any) -> Any:
    query = {"audience": VAULT, "scope": "vault.read"} | changes.pop("query", {})
    return pass_by(server, f"{scheme} {token}", query=query, **changes)


@rule(14, "RFC 6750", "3.1")
def test_a_gateway_lets_a_reference_through_for_what_it_is_for(server: ExchangeServer) -> None:
    token = issued(server)
    answer = passes(server, token)
    assert answer.status_code == 200
    assert answer.headers["x-handover-subject"] == "partner:kestrel:user-1"
    assert (answer.headers["x-handover-client"], answer.headers["x-handover-scope"]) == ("kestrel-batch", "vault.read")
    elsewhere = passes(server, token, query={"audience": LEDGER})
    assert (elsewhere.status_code, server.event(elsewhere)["reason"]) == (401, Reason.AUDIENCE_MISMATCH)
    more = passes(server, token, query={"scope": "vault.write"})
    assert (more.status_code, server.event(more)["reason"]) == (403, Reason.SCOPE_NOT_GRANTED)


@rule(27, "RFC 8693", "2.1")
def test_a_reference_is_exchanged_onwards_for_a_jwt_of_its_family(server: ExchangeServer) -> None:
    before = referenced(server, server.exchange(audience=VAULT))
    grant = granted(server, onto(server, before.body["access_token"]))
    for name in ("sub", "src", "fam"):
        assert grant.claims[name] == before.claims[name]
    assert grant.claims["exp"] <= before.claims["exp"]
    (row,) = server.rows("SELECT parent_id::text FROM exchange_issuedtoken WHERE id = %s", grant.claims["jti"])
    assert row == (before.claims["jti"],)
    subject = grant.event["data"]["subject"]
    assert (subject["jti"], subject["alg"], subject["kid"]) == (before.claims["jti"], "reference", "")


@rule(27, "RFC 8693", "2.1")
@rule(35, "RFC 8693", "2.1")
def test_a_jwt_is_exchanged_onwards_for_a_reference_that_ends_with_it(server: ExchangeServer) -> None:
    token = first(server)
    grant = referenced(server, onwards(server, token, audience=VAULT, scope="vault.read"))
    assert grant.claims["fam"] == claims_of(token)["fam"]
    assert told(server, grant.body["access_token"])["active"] is True
    give_back(server, token)
    assert told(server, grant.body["access_token"]) == {"active": False}


@rule(37, "RFC 8693", "4.1")
@rule(45, "RFC 8693", "4.4")
def test_a_service_acts_with_a_reference_of_its_own_and_with_nobody_elses(server: ExchangeServer) -> None:
    token = issued(server)
    itself = referenced(server, by_itself(server, SERVICE, audience=VAULT, scope="vault.read")).body["access_token"]
    grant = granted(server, onto(server, token, actor_token=itself, actor_token_type=ACCESS_TOKEN))
    assert grant.claims["act"] == {"sub": f"client:{SERVICE}", "iss": server.url, "client_id": SERVICE}
    borrowed = onto(server, token, actor_token=token, actor_token_type=ACCESS_TOKEN)
    refused(server, borrowed, "invalid_request", Reason.ACTOR_FOREIGN)
    unknown = onto(server, token, actor_token="ho_" + token_urlsafe(32), actor_token_type=ACCESS_TOKEN)
    refused(server, unknown, "invalid_request", Reason.TOKEN_UNKNOWN)
    give_back(server, itself, client=SERVICE)
    again = onto(server, token, actor_token=itself, actor_token_type=ACCESS_TOKEN)
    refused(server, again, "invalid_request", Reason.TOKEN_REVOKED)


@rule(30, "RFC 8693", "2.1")
def test_a_reference_that_leaked_is_worth_nothing_to_others(server: ExchangeServer) -> None:
    token = issued(server)
    for client in ("ledger-service", "fjord-backend"):
        answer = onto(server, token, client=client, audience=LEDGER, scope=None)
        refused(server, answer, "invalid_request", Reason.AUDIENCE_MISMATCH)


@rule(28, "RFC 8693", "2.1")
@pytest.mark.parametrize("declared", [ID_TOKEN, JWT])
def test_a_reference_is_an_access_token_and_nothing_else(server: ExchangeServer, declared: str) -> None:
    token = issued(server)
    answer = onto(server, token, subject_token_type=declared)
    refused(server, answer, "invalid_request", Reason.TOKEN_MALFORMED)
    data = {"grant_type": JWT_BEARER, "assertion": token, "audience": LEDGER}
    answer = server.post(data, auth=("kestrel-grants", server.world.secret))
    refused(server, answer, "invalid_grant", Reason.TOKEN_MALFORMED)


@rule(32, "RFC 8693", "2.1")
@rule(102, "RFC 9449", "6")
@rule(103, "RFC 9449", "7.1")
def test_a_bound_reference_is_good_beside_a_proof_of_its_key_only(server: ExchangeServer) -> None:
    form = server.form(audience=VAULT)
    answer = server.http.post("/oauth/token", data=form, auth=server.basic, headers={"dpop": proof(server)})
    grant = referenced(server, answer)
    token = grant.body["access_token"]
    assert (grant.body["token_type"], grant.claims["cnf"]) == ("DPoP", {"jkt": thumbprint(HOLDER)})
    assert told(server, token)["cnf"] == {"jkt": thumbprint(HOLDER)}
    assert passes(server, token).status_code == 401
    for key, status in ((HOLDER, 200), (OTHER, 401)):
        proven = [("dpop", proof_for(key, token=token, url=ORIGINAL))]
        assert passes(server, token, "DPoP", headers=proven).status_code == status
    refused(server, onto(server, token), "invalid_request", Reason.SENDER_CONSTRAINED)
    form = server.form(subject_token=token, audience=REPORTS, scope="reports.read")
    for key, status in ((OTHER, 400), (HOLDER, 200)):
        answer = server.post(form, auth=(SERVICE, server.world.secret), headers={"dpop": proof(server, key)})
        assert answer.status_code == status, answer.text


@rule(22, "RFC 8693", "2.1.1")
def test_targets_that_want_different_formats_are_not_served_by_one_token(server: ExchangeServer) -> None:
    form = [*server.form(audience=None).items(), ("audience", VAULT), ("audience", LEDGER)]
    answer = server.post([(name, value) for name, value in form if value is not None], auth=server.basic)
    refused(server, answer, "invalid_target", Reason.TARGETS_DISAGREE)


@rule(29, "RFC 8693", "2.1")
def test_a_text_of_our_form_is_shown_to_no_issuer_and_other_opaque_tokens_are(yard: Yard) -> None:
    server = yard.server
    foreign = yard.endpoint.token(server.url)
    ours = "ho_" + token_urlsafe(32)
    yard.endpoint.known[ours] = yard.endpoint.known[foreign]
    auth = ("fjord-backend", server.world.secret)
    refused(server, server.exchange(auth=auth, subject_token=ours), "invalid_request", Reason.TOKEN_UNKNOWN)
    assert yard.endpoint.asked == []
    granted(server, server.exchange(auth=auth, subject_token=foreign))
    assert [asked["token"] for asked in yard.endpoint.asked] == [[foreign]]
    mixed = server.exchange(auth=auth, subject_token=foreign, actor_token=ours, actor_token_type=ACCESS_TOKEN)
    refused(server, mixed, "invalid_request", Reason.TOKEN_UNKNOWN)


def test_what_an_issuer_wrote_into_a_subject_is_kept_to_the_letter(server: ExchangeServer) -> None:
    odd = "a\x00b\x1fc\u2028'\"\\"
    subject = server.world.idp.subject_token(server.url, sub=odd, employee="e-7")
    grant = referenced(server, server.exchange(audience=VAULT, subject_token=subject))
    assert grant.claims["src"]["sub"] == odd
    assert told(server, grant.body["access_token"])["src"]["sub"] == odd


@rule(113, "own rule")
def test_a_digest_finds_one_token_and_its_claims_say_which(server: ExchangeServer) -> None:
    token = issued(server)
    digest = sha256(token.encode()).hexdigest()
    (row,) = server.rows("SELECT id::text, claims FROM exchange_issuedtoken WHERE digest = %s", digest)
    assert json.loads(row[1])["jti"] == row[0]
    assert digest not in ask(server, token, client=GATEWAY).text
