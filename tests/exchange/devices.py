"""A server with clients for devices, a person with a browser, and a device that asks (RFC 8628)."""

from __future__ import annotations

import html
import re
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests import exchange_server
from tests.signers import Signer, public_jwks
from tests.world import add_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.exchange_server import ExchangeServer

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
KEYED: Final = Signer("device-keyed")
SECRET: Final = "s" * 43
AUTH: Final = ("device-secret", SECRET)
_APPLICATION: Final[dict[str, Any]] = {
    "scopes": ["partners:read", "keys:read", "ledger.read"],
    "authorization_grant_type": DEVICE_CODE,
}


class Browser:
    """A browser without JavaScript, of somebody signed in."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def sign_in(self, email: str, password: str) -> None:
        page = self.http.get("/sign-in", follow_redirects=True)
        self.submit(page, login=email, password=password)

    def submit(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Send the form of a page, with its hidden fields; follow where it leads."""
        headers = {"referer": str(page.url)}
        form = hidden(page.text) | fields
        return self.http.post(page.url, data=form, headers=headers, follow_redirects=True)

    def enter(self, user_code: str) -> httpx.Response:
        """Enter a code: the page that comes of it."""
        return self.submit(self.http.get("/oauth/device"), user_code=user_code)

    def decide(self, user_code: str, decision: str) -> httpx.Response:
        """Enter a code and answer."""
        return self.submit(self.enter(user_code), decision=decision)


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    pattern = r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?'
    return {name: html.unescape(value) for name, value in re.findall(pattern, text)}


@dataclass
class Site:
    """The server and the person who may let devices in."""

    server: ExchangeServer
    email: str
    password: str

    @contextmanager
    def browser(self, email: str = "") -> Iterator[Browser]:
        with httpx.Client(base_url=self.server.url, trust_env=False) as http:
            browser = Browser(http)
            browser.sign_in(email or self.email, self.password)
            yield browser

    def ask(self, *, auth: Any = AUTH, address: str = "", **form: str) -> httpx.Response:
        """Ask for codes, from an address; the body may be empty, and is a form all the same."""
        headers = {"content-type": "application/x-www-form-urlencoded"} | (
            {"x-forwarded-for": address} if address else {}
        )
        body = str(httpx.QueryParams(form))
        return self.server.http.post("/oauth/device-authorization", content=body, headers=headers, auth=auth)

    def codes(self, *, auth: Any = AUTH, **form: str) -> dict[str, Any]:
        response = self.ask(auth=auth, **form)
        assert response.status_code == 200, response.text
        codes: dict[str, Any] = response.json()
        return codes

    def poll(self, codes: dict[str, Any], *, auth: Any = AUTH, **options: Any) -> httpx.Response:
        form = {"grant_type": DEVICE_CODE, "device_code": codes["device_code"]} | options.pop("form", {})
        return self.server.post(form, auth=auth, **options)

    def decide(self, codes: dict[str, Any], decision: str = "allow") -> None:
        with self.browser() as browser:
            page = browser.decide(codes["user_code"], decision)
        assert page.status_code == 200, page.text

    def pass_by(self, seconds: int) -> None:
        """Let time pass for all devices."""
        self.server.rows(
            "UPDATE exchange_devicegrant SET last_checked = last_checked - make_interval(secs => %s),"
            " expires = expires - make_interval(secs => %s) RETURNING 1",
            seconds,
            seconds,
        )


@contextmanager
def serving(services: Any, blocker: Any, static: Path) -> Iterator[Site]:
    """A server with static files, the clients of devices, and two people."""
    password = secrets.token_urlsafe(16)

    def prepare() -> None:
        from django.contrib.auth import get_user_model  # noqa: PLC0415 - inside the database in use

        add_clients()
        for name in ("mei", "gus"):
            get_user_model().objects.create_user(f"{name}@meridian.example", password, name=name.title())

    environment: dict[str, Any] = {"HANDOVER_TEST_STATIC": str(static), "HANDOVER_TRUSTED_PROXIES": "127.0.0.1/32"}
    with exchange_server.running(services, blocker, prepare=prepare, **environment) as server:
        yield Site(server, "mei@meridian.example", password)


def add_clients() -> None:
    """The clients of devices, in the database in use."""
    from partners.models import Partner  # noqa: PLC0415

    kestrel = Partner.objects.get(slug="kestrel")
    grants: dict[str, Any] = _APPLICATION | {"grant_types": [DEVICE_CODE, "refresh_token"]}
    alone: dict[str, Any] = _APPLICATION | {"grant_types": [DEVICE_CODE]}
    add_client(kestrel, "device-secret", secret=SECRET, name="Kestrel terminal", **grants)
    add_client(kestrel, "device-other", secret=SECRET, **grants)
    add_client(kestrel, "device-keyed", jwks=public_jwks(KEYED.key), **grants)
    add_client(kestrel, "device-bound", secret=SECRET, dpop_bound_access_tokens=True, requires_dpop_nonce=True, **alone)
    add_client(kestrel, "device-public", client_type="public", **alone)
    add_client(kestrel, "device-poor", secret=SECRET, **alone | {"scopes": ["ledger.read"]})
    add_client(kestrel, "code-public", client_type="public", **_APPLICATION | {"grant_types": ["authorization_code"]})
