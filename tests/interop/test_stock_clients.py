"""Clients and resource servers nobody here wrote complete the exchange against the running server."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import google.auth.exceptions
import google.auth.transport.requests
import jwt
import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from google.auth import identity_pool
from joserfc.jwk import KeySet

from tests.world import ACCESS_TOKEN, LEDGER, REPORTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.exchange_server import ExchangeServer

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def authlib_exchange(server: ExchangeServer, session: OAuth2Session, **parameters: Any) -> dict[str, Any]:
    with session:
        token: dict[str, Any] = session.fetch_token(
            f"{server.url}/oauth/token",
            grant_type=TOKEN_EXCHANGE,
            subject_token=server.world.idp.subject_token(server.url),
            subject_token_type=ACCESS_TOKEN,
            audience=LEDGER,
            **parameters,
        )
        return token


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_exchanges_with_a_secret(server: ExchangeServer, method: str) -> None:
    session = OAuth2Session("kestrel-batch", server.world.secret, token_endpoint_auth_method=method)
    token = authlib_exchange(server, session, scope="ledger.read")
    assert (token["token_type"], token["scope"]) == ("Bearer", "ledger.read")


def test_authlib_exchanges_with_a_private_key(server: ExchangeServer) -> None:
    backend = server.world.backend
    session = OAuth2Session("kestrel-backend", backend.key, token_endpoint_auth_method="private_key_jwt")
    claims = {"exp": int(time.time()) + 60}  # Authlib's own default is an hour; ours allows five minutes (rule 59)
    method = PrivateKeyJWT(token_endpoint=server.url, claims=claims, alg="ES256", headers={"kid": backend.key.kid})
    session.register_client_auth_method(method)
    token = authlib_exchange(server, session, scope="ledger.write")
    assert token["scope"] == "ledger.write"


def google_credentials(server: ExchangeServer, directory: Path, secret: str) -> identity_pool.Credentials:
    source = directory / "subject-token"
    source.write_text(server.world.idp.subject_token(server.url), encoding="ascii")
    return identity_pool.Credentials(
        audience=LEDGER,
        subject_token_type=ACCESS_TOKEN,
        token_url=f"{server.url}/oauth/token",
        credential_source={"file": str(source)},
        client_id="kestrel-batch",
        client_secret=secret,
        scopes=["ledger.read"],
    )


def test_google_auths_external_account_exchanges(server: ExchangeServer, tmp_path: Path) -> None:
    credentials = google_credentials(server, tmp_path, server.world.secret)
    credentials.refresh(google.auth.transport.requests.Request())
    claims = jwt.decode(str(credentials.token), options={"verify_signature": False})
    assert (claims["aud"], claims["scope"]) == (LEDGER, "ledger.read")


def test_google_auth_reports_our_error_as_an_oauth_error(server: ExchangeServer, tmp_path: Path) -> None:
    credentials = google_credentials(server, tmp_path, "not the secret")
    with pytest.raises(google.auth.exceptions.OAuthError, match="invalid_client"):
        credentials.refresh(google.auth.transport.requests.Request())


def test_pyjwt_accepts_the_token_and_refuses_it_for_another_audience(server: ExchangeServer) -> None:
    token = server.exchange().json()["access_token"]
    key = jwt.PyJWKClient(f"{server.url}/oauth/jwks").get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, algorithms=["ES256"], audience=LEDGER, issuer=server.url)
    assert claims["client_id"] == "kestrel-backend"
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(token, key, algorithms=["ES256"], audience=REPORTS, issuer=server.url)


class Validator(JWTBearerTokenValidator):
    """Authlib's RFC 9068 validator, given our key set."""

    def __init__(self, server: ExchangeServer, audience: str) -> None:
        super().__init__(issuer=server.url, resource_server=audience)
        self._jwks = KeySet.import_key_set(server.http.get("/oauth/jwks").json())

    def get_jwks(self) -> Any:
        return self._jwks


def test_authlibs_rfc_9068_validator_accepts_the_token_and_refuses_it_for_another_audience(
    server: ExchangeServer,
) -> None:
    token = server.exchange(scope="ledger.read").json()["access_token"]
    validator = Validator(server, LEDGER)
    validator.validate_token(validator.authenticate_token(token), ["ledger.read"], None)
    other = Validator(server, REPORTS)
    with pytest.raises(InvalidTokenError):
        other.validate_token(other.authenticate_token(token), ["ledger.read"], None)


def test_a_client_library_finds_the_endpoints_by_the_metadata(server: ExchangeServer) -> None:
    from authlib.oauth2.rfc8414 import AuthorizationServerMetadata  # noqa: PLC0415 - beside its one use

    document = json.loads(server.http.get("/.well-known/oauth-authorization-server").text)
    AuthorizationServerMetadata(document).validate()
    assert server.http.get("/.well-known/openid-configuration").json() == document
    assert document["issuer"] == server.url
