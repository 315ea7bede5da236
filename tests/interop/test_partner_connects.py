"""The partner's half done by a script that has only its invitation, with npm oidc-provider as its identity provider.

From the link to the first exchange that counts: over HTTP as a browser without script would, one form after another.
"""

from __future__ import annotations

import hmac
import re
import struct
import time
from base64 import b32decode
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from exchange.protocol.request import TOKEN_EXCHANGE
from partners import models
from portal.roles import Role
from tests import exchange_server, static_files
from tests import world as worlds
from tests.interop.conftest import Provider
from tests.portal import organisation as organisations
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.exchange_server import ExchangeServer
    from tests.services import Services

SANDBOX: Final = "https://sandbox.meridian.example"
LEDGER: Final = "https://orders.meridian.example"


class Browser:
    """Somebody's browser: cookies, and forms with the token that their page gave."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=20, headers={"Origin": url})

    def close(self) -> None:
        """The end of the visit."""
        self.http.close()

    def page(self, path: str) -> str:
        """The page at an address."""
        answer = self.http.get(path, follow_redirects=True)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return unescape(answer.text)

    def send(self, path: str, form: dict[str, Any] | None = None, *, of: str = "", status: int = 200) -> str:
        """Send the form of a page; answers the page it leads to."""
        data = {**self.form_token(of or path), **(form or {})}
        answer = self.http.post(path, data=data, follow_redirects=True)
        assert answer.status_code == status, f"{path}: {answer.status_code}\n{answer.text[-3000:]}"
        return unescape(answer.text)

    def form_token(self, path: str) -> dict[str, str]:
        """What makes a form one of this very browser's."""
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.page(path))
        assert found, f"{path} has no form"
        return {"csrfmiddlewaretoken": found[1]}

    def sign_in(self, role: Role) -> Browser:
        """As one of our people."""
        email = f"{role.replace(' ', '.').lower()}@meridian.example"
        self.send("/sign-in", {"login": email, "password": organisations.PASSWORD})
        return self


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Provider(free_port(), client_id="lark-jobs")


@pytest.fixture(scope="module")
def server(
    services: Services, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory, provider: Provider
) -> Iterator[ExchangeServer]:
    """Ours, with a target behind which nothing real is, another that counts, and two people."""

    def prepare() -> None:
        for role in (Role.PARTNER_MANAGER, Role.SECURITY_ADMIN):
            organisations.person(role)
        for name, audience, is_test in (("sandbox", SANDBOX, True), ("orders", LEDGER, False)):
            target = models.Target.objects.create(name=name, audience=audience, is_test=is_test)
            models.Scope.objects.create(target=target, name=f"{name}.read", description=f"Read {name}")

    started: dict[str, Any] = {"prepare": prepare, "HANDOVER_OUTBOUND_ALLOW": "127.0.0.1/32"}
    started["HANDOVER_SECOND_FACTOR_ROLES"] = Role.PARTNER_ADMIN.value  # as by default, without ours
    started["HANDOVER_TEST_STATIC"] = str(static_files.collected(tmp_path_factory))
    with exchange_server.running(services, django_db_blocker, **started) as running, provider.running(running.url):
        yield running


@pytest.fixture
def visit(server: ExchangeServer) -> Iterator[Callable[[], Browser]]:
    """Open a browser; it is closed when the test is over."""
    opened: list[Browser] = []

    def open_browser() -> Browser:
        opened.append(Browser(server.url))
        return opened[-1]

    yield open_browser
    for browser in opened:
        browser.close()


def test_a_script_with_the_invitation_alone_gets_from_its_issuer_to_the_first_exchange_that_counts(
    server: ExchangeServer, provider: Provider, visit: Callable[[], Browser]
) -> None:
    manager, partner = visit().sign_in(Role.PARTNER_MANAGER), visit()
    link = _registered_and_invited(manager)
    _let_in(partner, link)
    assert "No issuer is set" in partner.page("/connect")
    checked = partner.send("/connect/issuer/check", _issuer(provider), of="/connect/issuer")
    assert "It names this issuer, character for character" in checked
    assert "It counts once somebody" in partner.send("/connect/issuer", _issuer(provider))
    _approved(manager, server)
    secret = _secret_in(partner.send("/connect/clients/lark-exchange/secret", {"older_ends": "0"}))
    token = provider.token(server.url).json()["access_token"]
    _tried(partner, token)
    assert _exchange(server, secret, token, LEDGER).json()["error"] == "invalid_target"
    refused = partner.page("/connect/try/newest")
    assert "Your newest exchange was refused." in refused
    assert "We change it" in refused
    assert _exchange(server, secret, token, SANDBOX).status_code == 200
    assert "It is tested." in partner.send("/connect/hand-over", of="/connect/try/newest")
    _activated_by_another(manager, visit().sign_in(Role.SECURITY_ADMIN), server)
    granted = _exchange(server, secret, token, LEDGER)
    assert granted.status_code == 200, granted.text
    assert granted.json()["scope"] == "orders.read"
    newest = partner.page("/connect/try/newest")
    assert "Your newest exchange was granted." in newest
    assert LEDGER in newest


def test_of_two_who_accept_an_invitation_at_the_same_moment_one_gets_in(
    server: ExchangeServer, visit: Callable[[], Browser]
) -> None:
    manager = visit().sign_in(Role.PARTNER_MANAGER)
    edited = {"title": "Kestrel", "contact_email": "it@kestrel.example", "purpose": ""}
    edited |= {"stamp": _defaults(manager.page("/partners/kestrel/edit"))["stamp"]}
    manager.send("/partners/kestrel/edit", edited)
    page = manager.send("/partners/kestrel/people/invite", {"email": "two@kestrel.example"})
    found = re.search(r"/invitation/[\w-]{43}", page)
    assert found
    both = [(browser, browser.form_token(found[0])) for browser in (visit(), visit())]
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda one: one[0].http.post(found[0], data=one[1]), both))
    assert sorted(answer.status_code for answer in answers) == [302, 410]
    assert server.rows("SELECT count(*) FROM portal_user WHERE email = 'two@kestrel.example'") == [(1,)]


def _registered_and_invited(manager: Browser) -> str:
    """What our side does: who it is, its client, and the invitation; answers the path of the link."""
    manager.send("/register-partner", {"title": "Lark Logistics", "name": "lark", "contact_email": "it@lark.example"})
    client = {"name": "lark-exchange", "method": "client_secret_basic", "scopes": "sandbox.read orders.read"}
    manager.send("/partners/lark/clients/new", client)
    page = manager.send("/partners/lark/people/invite", {"email": "mei@lark.example"})
    found = re.search(r"/invitation/[\w-]{43}", page)
    assert found
    return found[0]


def _let_in(partner: Browser, link: str) -> None:
    """The button, and then the second factor: the secret that the page shows, and the code that it makes now."""
    assert "Accept the invitation" in partner.page(link)
    assert "A second factor is needed" in partner.send(link, of=link)
    page = partner.page("/account/app")
    secret = re.search(r'id="totp-secret">([A-Z2-7]{32})<', page)
    form = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert secret
    assert form
    data = {"csrfmiddlewaretoken": form[1], "code": _code(secret[1])}
    answer = partner.http.post("/account/app", data=data, follow_redirects=True)
    assert "Recovery codes" in answer.text, answer.text[-2000:]


def _code(secret: str) -> str:
    """What an app shows for a secret at this moment (RFC 6238 section 4, RFC 4226 section 5.3)."""
    digest = hmac.digest(b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 15)
    return f"{(number & 0x7FFFFFFF) % 10**6:06}"


def _issuer(provider: Provider) -> dict[str, Any]:
    return {"issuer": provider.issuer, "method": "discovery", "algorithms": ["RS256"], "audiences": ""}


def _approved(manager: Browser, server: ExchangeServer) -> None:
    """Our side approves the issuer and says what its tokens are worth."""
    found = re.search(r"/partners/lark/people/proposals/[\w-]{36}", manager.page("/partners/lark/people"))
    assert found
    assert "lark-idp" in manager.send(f"{found[0]}/approve", of=found[0])
    for target in ("sandbox", "orders"):
        scope = f"{target}.read"
        mapping = {
            **_defaults(manager.page("/partners/lark/mappings/new")),
            "name": target,
            "target": target,
            "always": scope,
            "default_scopes": scope,
            "allows_impersonation": "on",
        }
        page = manager.send("/partners/lark/mappings/new", mapping)
        stamp = re.search(r'name="stamp" value="([^"]*)"', page)
        assert stamp, page[-2000:]
        of = f"/partners/lark/mappings/{target}/versions"
        manager.send(f"/partners/lark/mappings/{target}/publish", {"stamp": stamp[1]}, of=of)
    assert server.rows("SELECT count(*) FROM partners_scopemapping WHERE state = 'published' AND name = 'orders'")


def _defaults(page: str) -> dict[str, str]:
    """What a browser would send of a form that nobody touched: its fields and the chosen options."""
    fields = dict(re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', page))
    for name, options in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        fields[name] = chosen[1] if chosen else ""
    return fields


def _secret_in(page: str) -> str:
    found = re.search(r'id="secret">([\w-]{43})<', page)
    assert found
    return found[1]


def _tried(partner: Browser, token: str) -> None:
    """Red with a token that was altered, green with the real one; neither is spent."""
    form = {"client": "lark-exchange", "audience": SANDBOX, "scope": ""}
    red = partner.send("/connect/try", {**form, "token": f"{token[:-6]}AAAAAA"})
    assert "The request would be refused" in red
    assert "You change it, in what your side sends." in red
    assert "A token would be minted" in partner.send("/connect/try", {**form, "token": token})


def _exchange(server: ExchangeServer, secret: str, token: str, audience: str) -> httpx.Response:
    form = {"grant_type": TOKEN_EXCHANGE, "subject_token_type": worlds.ACCESS_TOKEN, "subject_token": token}
    return server.post({**form, "audience": audience}, auth=("lark-exchange", secret))


def _activated_by_another(manager: Browser, admin: Browser, server: ExchangeServer) -> None:
    """Who registered and approved it does not activate it; a second person does."""
    path = "/partners/lark/acts/activate"
    assert "somebody else activates" in manager.page(path)
    admin.send(path)
    assert server.rows("SELECT state FROM partners_partner WHERE slug = 'lark'") == [("active",)]
