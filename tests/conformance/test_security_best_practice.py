"""What RFC 9700 and the ASVS ask of the whole: no old grants, our own address, time without workers, full events."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from oauth2_provider.settings import oauth2_settings

from exchange.jwt_checks import Wrong
from exchange.keyring import key_ring
from exchange.own_tokens import OwnToken, read_own
from partners.vocabulary import GrantType
from policy.raw import RawToken
from policy.reasons import Reason
from tests.conformance.rules import OWN, rule
from tests.oracle import granted, refused
from tests.world import LEDGER

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer

JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")


@rule(147, "RFC 9700", "2.4")
def test_a_password_buys_no_token(server: ExchangeServer) -> None:
    form = {"grant_type": "password", "username": "ada@meridian.example", "password": "correct horse"}
    answer = server.post(form, auth=server.basic)
    refused(server, answer, "unsupported_grant_type", Reason.GRANT_TYPE_UNSUPPORTED)
    assert "password" not in server.http.get("/.well-known/oauth-authorization-server").json()["grant_types_supported"]


@rule(147, "RFC 9700", "2.1.2")
def test_no_token_ever_comes_through_the_browser(server: ExchangeServer) -> None:
    metadata = server.http.get("/.well-known/oauth-authorization-server").json()
    assert metadata["response_types_supported"] == ["code"]
    assert {"implicit", "password"} & {str(grant) for grant in GrantType} == set()
    assert oauth2_settings.COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT is True
    assert oauth2_settings.COMPLIANT_BCP_RFC9700_PASSWORD_GRANT is True


@rule(147, "OWASP ASVS", "10.4.4")
@pytest.mark.parametrize("grant_type", ["client_credentials", "refresh_token", "authorization_code"])
def test_a_client_uses_the_grants_of_its_list_and_no_other(server: ExchangeServer, grant_type: str) -> None:
    form = {"grant_type": grant_type, "refresh_token": "r", "code": "c", "audience": LEDGER}
    refused(server, server.post(form, auth=server.basic), "unauthorized_client", Reason.GRANT_TYPE_NOT_ALLOWED)


@rule(154, "RFC 9700", "4.13")
@pytest.mark.parametrize(
    "forged",
    [
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "http", "x-forwarded-port": "99"},
        {"forwarded": "host=evil.example;proto=http", "x-original-url": "/admin", "x-rewrite-url": "/admin"},
    ],
)
def test_our_address_is_the_configured_one_whatever_a_request_says(
    server: ExchangeServer, forged: dict[str, str]
) -> None:
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/sign-in"):
        answer = server.http.get(path, headers=forged)
        assert "evil.example" not in answer.text + str(answer.headers)
    metadata = server.http.get("/.well-known/oauth-authorization-server", headers=forged).json()
    assert metadata["issuer"] == server.url
    assert metadata["token_endpoint"] == f"{server.url}/oauth/token"


@rule(156, OWN)
def test_a_token_ends_at_its_time_though_nobody_sweeps(server: ExchangeServer) -> None:
    """Whether a token is over is computed by whoever reads it; this server has neither worker nor beat."""
    own = granted(server, server.exchange())
    token, end = RawToken(own.body["access_token"]), datetime.fromtimestamp(own.claims["exp"], tz=UTC)
    jwks = server.http.get("/oauth/jwks").json()["keys"]
    keys = key_ring(tuple(jwks), is_fetched=False, usable_until=None)
    before = read_own(token, keys, issuer=server.url, now=end - timedelta(seconds=1))
    after = read_own(token, keys, issuer=server.url, now=end)
    assert isinstance(before, OwnToken)
    assert (before.id, before.expires_at) == (own.claims["jti"], end)
    assert isinstance(after, Wrong)
    assert after.reason is Reason.TOKEN_EXPIRED
    ((swept_at,),) = server.rows("SELECT expires_at FROM exchange_issuedtoken WHERE id = %s::uuid", own.claims["jti"])
    assert swept_at == end


@rule(158, OWN)
def test_the_event_of_a_grant_says_who_what_for_what_and_why_and_holds_no_token(server: ExchangeServer) -> None:
    subject = server.world.idp.subject_token(server.url, jti="in-1")
    own = granted(server, server.exchange(subject_token=subject))
    event, data = own.event, own.event["data"]
    assert event["actor"] == {"kind": "client", "name": event["client"]}
    assert (event["partner"], event["target"]) == ("kestrel", LEDGER)
    assert data["subject"]["jti"] == "in-1"
    assert data["token"]["jti"] == own.claims["jti"]
    assert {"trust", "mappings", "steps", "request"} <= data.keys()
    assert own.claims["scope"].split() == data["token"]["scope"]
    assert JWT.search(str(event)) is None


@rule(158, OWN)
def test_the_event_of_a_refusal_says_as_much_as_was_known(server: ExchangeServer) -> None:
    subject = server.world.idp.subject_token(server.url, tier="tin-tier", jti="in-2")
    answer = server.exchange(subject_token=subject)
    assert answer.status_code == 400
    event: dict[str, Any] = server.event(answer)
    assert (event["kind"], event["reason"]) == ("exchange.refused", "policy.mapping_rule_unmet")
    assert event["partner"] == "kestrel"
    assert event["data"]["subject"]["jti"] == "in-2"
    assert event["data"]["trust"]["name"]
    assert JWT.search(str(event)) is None
