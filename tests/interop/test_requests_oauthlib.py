"""requests-oauthlib: authorization code with PKCE and refresh, and client credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidScopeError,
    MismatchingStateError,
)
from requests_oauthlib import OAuth2Session

from tests.exchange.test_interactive import hidden
from tests.interop.conftest import CALLBACK
from tests.world import LEDGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.interop.conftest import Stock


@pytest.fixture
def session(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> Iterator[OAuth2Session]:
    """The library's session; it takes plain http only where it is told to."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with OAuth2Session(stock.desk[0], redirect_uri=CALLBACK, scope=["partners:read"], pkce="S256") as session:
        session.trust_env = False
        yield session


def consented(stock: Stock, session: OAuth2Session) -> str:
    """The address that the person's browser is sent to after signing in and consenting."""
    address, _state = session.authorization_url(f"{stock.server.url}/oauth/authorize")
    email, password = stock.person
    with httpx.Client(trust_env=False, follow_redirects=True) as browser:
        page = browser.get(address)
        form = {"login": email, "password": password, **hidden(page.text)}
        page = browser.post(page.url, data=form, headers={"referer": str(page.url)})
        form = hidden(page.text) | {"allow": "Authorize"}
        answer = browser.post(page.url, data=form, headers={"referer": str(page.url)}, follow_redirects=False)
    return answer.headers["location"]


def redeem(stock: Stock, session: OAuth2Session, landed: str, secret: str = "") -> dict[str, Any]:
    token: dict[str, Any] = session.fetch_token(
        f"{stock.server.url}/oauth/token", authorization_response=landed, client_secret=secret or stock.desk[1]
    )
    return token


def test_it_redeems_a_code_and_refreshes_and_each_is_good_once(stock: Stock, session: OAuth2Session) -> None:
    landed = consented(stock, session)
    token = redeem(stock, session, landed)
    assert (token["token_type"], token["scope"]) == ("Bearer", ["partners:read"])
    endpoint, auth = f"{stock.server.url}/oauth/token", stock.desk
    renewed = session.refresh_token(endpoint, auth=auth)
    assert renewed["access_token"] != token["access_token"]
    assert renewed["refresh_token"] != token["refresh_token"]
    with pytest.raises(InvalidGrantError):
        redeem(stock, session, landed)


def test_it_reports_a_wrong_secret_and_an_answer_that_is_not_to_its_question(
    stock: Stock, session: OAuth2Session
) -> None:
    landed = consented(stock, session)
    with pytest.raises(InvalidClientError):
        redeem(stock, session, landed, secret="not the secret")
    with pytest.raises(MismatchingStateError):
        redeem(stock, session, landed.replace("state=", "state=other"))


@pytest.mark.usefixtures("session")
def test_it_gets_a_token_for_the_client_itself_and_reports_a_scope_that_is_not_mapped(stock: Stock) -> None:
    endpoint, auth = f"{stock.server.url}/oauth/token", ("kestrel-cron", stock.server.world.secret)
    with OAuth2Session(client=BackendApplicationClient("kestrel-cron", scope=["ledger.read"])) as itself:
        itself.trust_env = False
        token = itself.fetch_token(endpoint, auth=auth, audience=LEDGER)
    assert (token["token_type"], token["scope"]) == ("Bearer", ["ledger.read"])
    with OAuth2Session(client=BackendApplicationClient("kestrel-cron", scope=["ledger.admin"])) as itself:
        itself.trust_env = False
        with pytest.raises(InvalidScopeError):
            itself.fetch_token(endpoint, auth=auth, audience=LEDGER)
