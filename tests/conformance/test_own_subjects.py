"""Tokens of ours as subject and actor tokens, and clients by themselves: RFC 8693 section 2.1, RFC 6749 section 4.4."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from exchange.protocol.request import CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE
from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.conformance.test_rfc7662 import ask, claims_of
from tests.oracle import granted, refused
from tests.world import ACCESS_TOKEN, ID_TOKEN, LEDGER, REPORTS

if TYPE_CHECKING:
    import httpx

    from tests.exchange_server import ExchangeServer


def first(server: ExchangeServer, **changes: Any) -> str:
    """A token of ours for the ledger, exchanged by a partner's client from its identity provider's."""
    return str(granted(server, server.exchange(auth=server.basic, **changes)).body["access_token"])


def onwards(server: ExchangeServer, token: str, *, client: str = "ledger-service", **changes: Any) -> httpx.Response:
    """The ledger's own service exchanges the token it was called with for one to call the next target."""
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "audience": REPORTS,
        "scope": "reports.read",
    }
    data = {name: value for name, value in (form | changes).items() if value is not None}
    return server.post(data, auth=(client, server.world.secret))


def by_itself(server: ExchangeServer, client: str = "kestrel-cron", **changes: Any) -> httpx.Response:
    data = {"grant_type": CLIENT_CREDENTIALS, "audience": LEDGER, "scope": "ledger.read"} | changes
    return server.post(
        {name: value for name, value in data.items() if value is not None}, auth=(client, server.world.secret)
    )


@rule(27, "RFC 8693", "2.1")
@rule(72, "RFC 9068", "5")
def test_a_token_of_ours_is_exchanged_on_within_its_family(server: ExchangeServer) -> None:
    token = first(server)
    before, grant = claims_of(token), granted(server, onwards(server, token))
    assert grant.claims["sub"] == before["sub"]
    assert grant.claims["src"] == before["src"]
    assert grant.claims["fam"] == before["fam"]
    assert grant.claims["aud"] == REPORTS
    assert grant.claims["exp"] <= before["exp"]
    assert grant.body["scope"] == "reports.read"
    (row,) = server.rows(
        "SELECT parent_id::text, family_id::text, partner_id FROM exchange_issuedtoken WHERE id = %s",
        grant.claims["jti"],
    )
    assert row == (before["jti"], before["fam"], None)
    assert grant.event["data"]["token"]["parent"] == before["jti"]
    assert len(server.rows("SELECT 1 FROM exchange_tokenfamily WHERE id = %s", before["fam"])) == 1


def test_the_holder_narrows_its_own_token(server: ExchangeServer) -> None:
    token = first(server, scope="ledger.read ledger.write")
    answer = onwards(server, token, client="kestrel-batch", audience=LEDGER, scope="ledger.read")
    assert granted(server, answer).body["scope"] == "ledger.read"
    answer = onwards(server, token, client="kestrel-batch", audience=LEDGER, scope="ledger.write")
    refused(server, answer, "invalid_scope", Reason.SCOPE_NOT_GRANTED)


@rule(30, "RFC 8693", "2.1")
def test_a_token_meant_for_others_is_refused(server: ExchangeServer) -> None:
    token = first(server)
    answer = onwards(server, token, client="fjord-backend", audience=LEDGER, scope=None)
    refused(server, answer, "invalid_request", Reason.AUDIENCE_MISMATCH)
    elsewhere = str(granted(server, onwards(server, token)).body["access_token"])
    other = onwards(server, elsewhere, client="kestrel-batch", audience=LEDGER, scope=None)
    refused(server, other, "invalid_request", Reason.AUDIENCE_MISMATCH)


@rule(28, "RFC 8693", "2.1")
def test_a_token_of_ours_is_no_id_token_and_no_assertion(server: ExchangeServer) -> None:
    token = first(server)
    answer = onwards(server, token, subject_token_type=ID_TOKEN)
    refused(server, answer, "invalid_request", Reason.TYPE_MISMATCH)
    data = {"grant_type": JWT_BEARER, "assertion": token, "audience": LEDGER}
    answer = server.post(data, auth=("kestrel-grants", server.world.secret))
    refused(server, answer, "invalid_grant", Reason.AUDIENCE_MISMATCH)


@rule(110, "RFC 8725", "3.8")
def test_a_token_that_names_us_but_is_not_ours_is_refused(server: ExchangeServer) -> None:
    claims = claims_of(first(server))
    forged = server.world.idp.sign(claims, typ="at+jwt")
    refused(server, onwards(server, forged), "invalid_request", Reason.ALGORITHM_REFUSED)
    forged = server.world.other_idp.sign(claims, typ="at+jwt")
    refused(server, onwards(server, forged), "invalid_request", Reason.KEY_UNKNOWN)


@rule(35, "RFC 8693", "2.1")
def test_a_revoked_token_cannot_be_exchanged_nor_what_came_of_it(server: ExchangeServer) -> None:
    token = first(server)
    child = str(granted(server, onwards(server, token)).body["access_token"])
    sibling = first(server)
    give_back(server, token)
    refused(server, onwards(server, token), "invalid_request", Reason.TOKEN_REVOKED)
    assert ask(server, child, client="reports-gateway").json() == {"active": False}
    assert ask(server, sibling).json()["active"] is True


@rule(35, "RFC 8693", "2.1")
def test_ending_a_middle_token_spares_its_ancestor(server: ExchangeServer) -> None:
    token = first(server, scope="ledger.read ledger.write")
    middle = onwards(server, token, client="kestrel-batch", audience=LEDGER, scope="ledger.read").json()["access_token"]
    last = granted(server, onwards(server, middle)).body["access_token"]
    give_back(server, middle)
    assert ask(server, last, client="reports-gateway").json() == {"active": False}
    assert ask(server, token).json()["active"] is True
    refused(server, onwards(server, middle), "invalid_request", Reason.TOKEN_REVOKED)


@rule(39, "RFC 8693", "4.1")
@rule(46, "RFC 8693", "4.1")
def test_a_chain_survives_an_exchange_without_an_actor_token(server: ExchangeServer) -> None:
    actor = server.world.idp.subject_token(server.world.issuer, sub="kestrel-batch")
    token = first(server, actor_token=actor, actor_token_type=ACCESS_TOKEN)
    act = claims_of(token)["act"]
    assert granted(server, onwards(server, token)).claims["act"] == act


@rule(45, "RFC 8693", "4.4")
def test_the_service_acts_with_a_token_of_its_own(server: ExchangeServer) -> None:
    token = first(server)
    itself = by_itself(server, "ledger-service", audience=REPORTS, scope="reports.read").json()["access_token"]
    grant = granted(server, onwards(server, token, actor_token=itself, actor_token_type=ACCESS_TOKEN))
    service = "client:ledger-service"
    assert grant.claims["act"] == {"sub": service, "iss": server.url, "client_id": "ledger-service"}
    assert claims_of(grant.body["access_token"])["sub"] == claims_of(token)["sub"]
    borrowed = onwards(server, token, actor_token=token, actor_token_type=ACCESS_TOKEN)
    refused(server, borrowed, "invalid_request", Reason.ACTOR_FOREIGN)
    give_back(server, itself, client="ledger-service")
    again = onwards(server, token, actor_token=itself, actor_token_type=ACCESS_TOKEN)
    refused(server, again, "invalid_request", Reason.TOKEN_REVOKED)


def test_a_client_asks_for_itself(server: ExchangeServer) -> None:
    grant = granted(server, by_itself(server))
    assert grant.claims["sub"] == "client:kestrel-cron"
    assert grant.claims["client_id"] == "kestrel-cron"
    assert not {"act", "src", "may_act"} & grant.claims.keys()
    assert "issued_token_type" not in grant.body
    assert "refresh_token" not in grant.body
    assert grant.body["expires_in"] == 180
    assert ask(server, grant.body["access_token"]).json()["active"] is True
    (row,) = server.rows(
        "SELECT root_issuer, root_token_id FROM exchange_tokenfamily WHERE id = %s", grant.claims["fam"]
    )
    assert row == (server.url, grant.claims["jti"])


def test_a_client_of_our_own_asks_for_itself(server: ExchangeServer) -> None:
    grant = granted(server, by_itself(server, "ledger-service", audience=REPORTS, scope=None))
    assert (grant.claims["sub"], grant.body["scope"]) == ("client:ledger-service", "")


@pytest.mark.parametrize(
    ("client", "changes", "error", "reason"),
    [
        ("kestrel-batch", {}, "unauthorized_client", Reason.GRANT_TYPE_NOT_ALLOWED),
        ("kestrel-cron", {"audience": REPORTS}, "invalid_target", Reason.TARGET_NOT_MAPPED),
        ("kestrel-cron", {"audience": "https://nowhere.example"}, "invalid_target", Reason.TARGET_UNKNOWN),
        ("kestrel-cron", {"audience": None}, "invalid_target", Reason.TARGET_MISSING),
        ("kestrel-cron", {"scope": "ledger.admin"}, "invalid_scope", Reason.SCOPE_NOT_GRANTED),
        ("kestrel-cron", {"scope": "nothing.known"}, "invalid_scope", Reason.SCOPE_UNKNOWN),
        ("ledger-service", {}, "invalid_target", Reason.TARGET_NOT_MAPPED),
    ],
)
def test_a_client_gets_for_itself_what_its_mapping_says(
    server: ExchangeServer, client: str, changes: dict[str, Any], error: str, reason: Reason
) -> None:
    refused(server, by_itself(server, client, **changes), error, reason)


@rule(35, "RFC 8693", "2.1")
def test_no_exchange_succeeds_once_its_token_was_given_back(server: ExchangeServer) -> None:
    token = first(server)
    with ThreadPoolExecutor(12) as pool:
        tries = [pool.submit(onwards, server, token) for _ in range(20)]
        ending = pool.submit(give_back, server, token)
        later = [pool.submit(onwards, server, token) for _ in range(20)]
    assert ending.result().status_code == 200
    for answer in (attempt.result() for attempt in (*tries, *later)):
        if answer.status_code == 200:
            child = answer.json()["access_token"]
            assert ask(server, child, client="reports-gateway").json() == {"active": False}
    refused(server, onwards(server, token), "invalid_request", Reason.TOKEN_REVOKED)


def give_back(server: ExchangeServer, token: str, client: str = "kestrel-batch") -> httpx.Response:
    answer = server.http.post("/oauth/revoke", data={"token": token}, auth=(client, server.world.secret))
    assert answer.status_code == 200
    return answer
