"""The interactive grants behind the same token endpoint: the toolkit's answers, our authentication and audit."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from policy.reasons import Reason
from tests import exchange_server, static_files
from tests.conformance.rules import rule
from tests.conformance.test_rfc7662 import ask, claims_of
from tests.conformance.test_rfc9449 import HOLDER, OTHER, proof, thumbprint
from tests.oracle import granted, refused
from tests.signers import Signer, public_jwks
from tests.world import add_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exchange_server import ExchangeServer

CALLBACK = "https://app.kestrel.example/callback"
GRANTS = ["authorization_code", "refresh_token"]
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Site:
    """A server with clients for the interactive grants and a person who may consent."""

    server: ExchangeServer
    signer: Signer
    email: str
    password: str
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def question(self, client_id: str, verifier: str, **changes: Any) -> dict[str, str]:
        """What the client sends the browser with."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        return {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "scope": "partners:read",
            "state": "st-1",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | changes

    @contextmanager
    def browser(self) -> Iterator[httpx.Client]:
        """A browser in which the person is signed in; they sign in once, since that is limited."""
        options: dict[str, Any] = {"base_url": self.server.url, "trust_env": False, "follow_redirects": True}
        with httpx.Client(**options, cookies=self.cookies) as browser:
            if not self.cookies:
                page = browser.get("/sign-in")
                form = {"login": self.email, "password": self.password, **hidden(page.text)}
                browser.post(page.url, data=form, headers={"referer": str(page.url)})
                self.cookies.update(browser.cookies)
            yield browser

    def code(self, client_id: str, verifier: str, *, allow: bool = True, **changes: Any) -> dict[str, list[str]]:
        """Sign in, consent (or not), and read the parameters of the redirect."""
        with self.browser() as browser:
            page = browser.get("/oauth/authorize", params=self.question(client_id, verifier, **changes))
            form = hidden(page.text) | ({"allow": "Authorize"} if allow else {})
            answer = browser.post(page.url, data=form, headers={"referer": str(page.url)}, follow_redirects=False)
        assert answer.status_code == 302, answer.text
        assert answer.headers["location"].startswith(CALLBACK)
        return parse_qs(urlsplit(answer.headers["location"]).query)


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    pattern = r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?'
    return {name: value.replace("&amp;", "&") for name, value in re.findall(pattern, html)}


@pytest.fixture(scope="module")
def site(services: Any, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server of its own, since it signs people in."""
    static = static_files.collected(tmp_path_factory)
    signer, password = Signer("app-keyed"), secrets.token_urlsafe(16)

    def prepare() -> None:
        from django.contrib.auth import get_user_model  # noqa: PLC0415 - inside the database in use

        from partners.models import Partner  # noqa: PLC0415

        partner = Partner.objects.get(slug="kestrel")
        settings: dict[str, Any] = {
            "grant_types": GRANTS,
            "authorization_grant_type": "authorization-code",
            "redirect_uris": CALLBACK,
            "scopes": ["partners:read"],
        }
        add_client(partner, "app-secret", secret="s" * 43, **settings)
        add_client(partner, "app-keyed", jwks=public_jwks(signer.key), **settings)
        add_client(partner, "app-public", client_type="public", **settings)
        get_user_model().objects.create_user("mei@meridian.example", password, name="Mei")

    environment: dict[str, Any] = {"HANDOVER_TEST_STATIC": str(static)}
    with exchange_server.running(services, django_db_blocker, prepare=prepare, **environment) as server:
        yield Site(server, signer, "mei@meridian.example", password)


def redeem(site: Site, code: str, verifier: str, **options: Any) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": verifier}
    return site.server.post(form | options.pop("form", {}), **options)


def test_a_code_becomes_a_token_and_the_event_is_written_before_the_answer(site: Site) -> None:
    verifier = secrets.token_urlsafe(48)
    redirect = site.code("app-secret", verifier)
    assert redirect["iss"] == [site.server.url]
    assert redirect["state"] == ["st-1"]
    answer = redeem(site, redirect["code"][0], verifier, auth=("app-secret", "s" * 43))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    event = site.server.event(answer)
    assert (event["kind"], event["client"], event["partner"]) == ("exchange.granted", "app-secret", "kestrel")
    assert event["data"]["request"]["grant_type"] == "authorization_code"
    again = redeem(site, redirect["code"][0], verifier, auth=("app-secret", "s" * 43))
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert site.server.event(again)["reason"] == "grant.refused"


def test_the_token_is_one_of_ours_for_our_own_api(site: Site) -> None:
    verifier, auth = secrets.token_urlsafe(48), ("app-secret", "s" * 43)
    grant = granted(site.server, redeem(site, site.code("app-secret", verifier)["code"][0], verifier, auth=auth))
    ((user_id,),) = site.server.rows("SELECT id::text FROM portal_user WHERE email = %s", site.email)
    assert (grant.claims["sub"], grant.claims["client_id"]) == (f"user:{user_id}", "app-secret")
    assert (grant.claims["aud"], grant.claims["scope"]) == (f"{site.server.url}/api", "partners:read")
    assert grant.header["typ"] == "at+jwt"
    assert not {"act", "src"} & grant.claims.keys()
    assert grant.body["token_type"] == "Bearer"
    assert grant.body["expires_in"] == grant.claims["exp"] - grant.claims["iat"]
    assert "issued_token_type" not in grant.body
    rules = [step[0] for step in grant.event["data"]["steps"]]
    assert rules[-1] == "record"
    assert "mapping" in rules
    asked = ask(site.server, grant.body["access_token"], auth=auth).json()
    assert (asked["active"], asked["sub"]) == (True, f"user:{user_id}")


@rule(87, "RFC 9728", "5.1")
def test_the_token_opens_our_own_api_until_it_is_revoked(site: Site) -> None:
    verifier, auth = secrets.token_urlsafe(48), ("app-secret", "s" * 43)
    token = redeem(site, site.code("app-secret", verifier)["code"][0], verifier, auth=auth).json()["access_token"]
    fields = {"authorization": f"Bearer {token}"}
    answer = site.server.http.get("/api/v1/me", headers=fields)
    assert (answer.status_code, answer.json()["name"], answer.json()["client"]) == (200, site.email, "app-secret")
    assert answer.json()["permissions"] == [], "the scope alone is not enough: a person without a role may nothing"
    assert site.server.http.post("/oauth/revoke", data={"token": token}, auth=auth).status_code == 200
    assert site.server.http.get("/api/v1/me", headers=fields).status_code == 401


@rule(73, "RFC 9068", "4")
def test_our_own_api_takes_the_token_and_nothing_like_it(site: Site) -> None:
    verifier, auth = secrets.token_urlsafe(48), ("app-secret", "s" * 43)
    grant = granted(site.server, redeem(site, site.code("app-secret", verifier)["code"][0], verifier, auth=auth))
    signer = Signer(site.server.url)
    others = {
        "by another key": signer.sign(grant.claims, typ="at+jwt", kid=grant.header["kid"]),
        "an ID token by type": signer.sign(grant.claims, typ="JWT", kid=grant.header["kid"]),
        "without a signature": signer.sign(grant.claims, typ="at+jwt", alg="none"),
        "of a partner's issuer": site.server.world.other_idp.sign(grant.claims, typ="at+jwt"),
    }
    asked = {name: call_api(site, token) for name, token in others.items()}
    assert asked == dict.fromkeys(others, 401)
    assert call_api(site, grant.body["access_token"]) == 200
    site.server.http.post("/oauth/revoke", data={"token": grant.body["access_token"]}, auth=auth)
    assert call_api(site, grant.body["access_token"]) == 401


def call_api(site: Site, token: str) -> int:
    return site.server.http.get("/api/v1/me", headers={"authorization": f"Bearer {token}"}).status_code


@rule(149, "OWASP ASVS", "10.4.11")
def test_a_client_gets_no_scope_beyond_its_ceiling_whatever_the_person_agreed_to(site: Site) -> None:
    verifier, auth = secrets.token_urlsafe(48), ("app-secret", "s" * 43)
    code = site.code("app-secret", verifier, scope="partners:read keys:write")["code"][0]
    assert granted(site.server, redeem(site, code, verifier, auth=auth)).body["scope"] == "partners:read"
    code = site.code("app-secret", verifier, scope="keys:write")["code"][0]
    refused(site.server, redeem(site, code, verifier, auth=auth), "invalid_scope", Reason.SCOPE_NOT_GRANTED)


def test_a_refreshed_token_goes_back_to_the_same_root_and_ends_with_it(site: Site) -> None:
    verifier, auth = secrets.token_urlsafe(48), ("app-secret", "s" * 43)
    first = redeem(site, site.code("app-secret", verifier)["code"][0], verifier, auth=auth).json()
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = granted(site.server, site.server.post(refresh, auth=auth))
    roots = site.server.rows(
        "SELECT DISTINCT root_issuer, root_token_id FROM exchange_tokenfamily WHERE id = ANY(%s::uuid[])",
        [claims_of(first["access_token"])["fam"], second.claims["fam"]],
    )
    assert len(roots) == 1
    assert roots[0][0] == site.server.url
    assert ask(site.server, second.body["access_token"], auth=auth).json()["active"] is True
    stolen = site.server.post(refresh, auth=auth)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    for token in (first["access_token"], second.body["access_token"]):
        assert ask(site.server, token, auth=auth).json() == {"active": False}


@rule(75, "RFC 7009", "2.1")
def test_a_refresh_token_given_back_ends_what_came_of_it(site: Site) -> None:
    verifier, auth = secrets.token_urlsafe(48), ("app-secret", "s" * 43)
    issued = redeem(site, site.code("app-secret", verifier)["code"][0], verifier, auth=auth).json()
    back = {"token": issued["refresh_token"], "token_type_hint": "refresh_token"}
    others = site.server.http.post("/oauth/revoke", data=back, auth=("kestrel-batch", site.server.world.secret))
    assert others.status_code == 200
    assert ask(site.server, issued["access_token"], auth=auth).json()["active"] is True
    answer = site.server.http.post("/oauth/revoke", data=back, auth=auth)
    assert (answer.status_code, site.server.event(answer)["kind"]) == (200, "token.revoked")
    assert ask(site.server, issued["access_token"], auth=auth).json() == {"active": False}
    refresh = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    assert site.server.post(refresh, auth=auth).json()["error"] == "invalid_grant"


@rule(151, "OWASP ASVS", "10.7.3")
def test_whoever_lent_it_takes_it_back_and_nothing_that_came_of_it_is_good(site: Site) -> None:
    verifier, auth = secrets.token_urlsafe(48), ("app-secret", "s" * 43)
    held = redeem(site, site.code("app-secret", verifier)["code"][0], verifier, auth=auth).json()
    form = {"grant_type": "refresh_token", "refresh_token": held["refresh_token"]}
    later = site.server.post(form, auth=auth).json()
    with site.browser() as browser:
        page = browser.get("/account").text
        (address,) = re.findall(r'action="(/account/consents/[^"]+)"(?=(?:(?!</form>).)*app-secret")', page)
        assert "partners:read" in page.partition('id="consents"')[2]
        referer = {"referer": f"{site.server.url}/account"}
        answer = browser.post(address, data=hidden(page), headers=referer)
        assert "the access of app-secret" in page
        assert "the access of app-secret" not in answer.text
    for text in (held["access_token"], later["access_token"]):
        assert ask(site.server, text, auth=auth).json() == {"active": False}
    refused = site.server.post(form | {"refresh_token": later["refresh_token"]}, auth=auth)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@rule(152, "OWASP ASVS", "10.7.2")
def test_the_consent_page_says_who_asks_for_what_where_and_until_when(site: Site) -> None:
    with site.browser() as browser:
        page = browser.get("/oauth/authorize", params=site.question("app-secret", secrets.token_urlsafe(48))).text
    assert "Allow app-secret to act for you?" in page
    assert "<li>" in page.partition("It asks to:")[2]
    assert f"At {site.server.url}/api, until 12 h after it last used this." in page
    assert "You can withdraw it on your account page at any time." in page


@rule(102, "RFC 9449", "5")
def test_a_proof_binds_the_token_of_a_code_too(site: Site) -> None:
    verifier = secrets.token_urlsafe(48)
    code = site.code("app-public", verifier)["code"][0]
    answer = redeem(site, code, verifier, form={"client_id": "app-public"}, headers={"dpop": proof(site.server)})
    grant = granted(site.server, answer)
    assert (grant.body["token_type"], grant.claims["cnf"]) == ("DPoP", {"jkt": thumbprint(HOLDER)})
    refresh = {"grant_type": "refresh_token", "refresh_token": grant.body["refresh_token"], "client_id": "app-public"}
    for proofs in ({}, {"dpop": proof(site.server, OTHER)}):
        answer = site.server.post(refresh, headers=proofs)
        refused(site.server, answer, "invalid_grant", Reason.SENDER_CONSTRAINED)
    cut = refresh | {"refresh_token": grant.body["refresh_token"].partition(".")[0]}
    assert site.server.post(cut, headers={"dpop": proof(site.server)}).json()["error"] == "invalid_grant"
    again = granted(site.server, site.server.post(refresh, headers={"dpop": proof(site.server)}))
    assert again.claims["cnf"] == {"jkt": thumbprint(HOLDER)}


def test_a_private_key_serves_the_interactive_grants_too_and_its_assertion_is_good_once(site: Site) -> None:
    verifier = secrets.token_urlsafe(48)
    code = site.code("app-keyed", verifier)["code"][0]
    assertion = {"client_assertion_type": JWT_BEARER, "client_assertion": site.signer.assertion(site.server.url)}
    first = redeem(site, code, verifier, form=assertion)
    assert first.status_code == 200, first.text
    refresh = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"]}
    replayed = site.server.post(refresh | assertion)
    assert (replayed.status_code, replayed.json()["error"]) == (401, "invalid_client")
    assert site.server.event(replayed)["reason"] == "client.assertion_replayed"


def test_a_public_client_proves_itself_by_pkce_and_nothing_else(site: Site) -> None:
    verifier = secrets.token_urlsafe(48)
    code = site.code("app-public", verifier)["code"][0]
    wrong = redeem(site, code, secrets.token_urlsafe(48), form={"client_id": "app-public"})
    assert wrong.status_code == 400
    right = redeem(site, code, verifier, form={"client_id": "app-public"})
    assert right.status_code == 200, right.text
    assert site.server.event(right)["client"] == "app-public"


@rule(150, "OWASP ASVS", "10.4.10")
def test_a_confidential_client_without_credentials_is_refused(site: Site) -> None:
    verifier = secrets.token_urlsafe(48)
    code = site.code("app-secret", verifier)["code"][0]
    answer = redeem(site, code, verifier, form={"client_id": "app-secret"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    wrong = redeem(site, code, verifier, auth=("app-secret", "not the secret"))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert site.server.event(wrong)["kind"] == "client.authentication_failed"


def test_plain_pkce_and_missing_pkce_are_refused_and_refusal_of_consent_is_told(site: Site) -> None:
    verifier = secrets.token_urlsafe(48)
    assert site.code("app-public", verifier, allow=False)["error"] == ["access_denied"]
    for changes in ({"code_challenge_method": "plain"}, {"code_challenge": ""}):
        query = {
            "response_type": "code",
            "client_id": "app-public",
            "redirect_uri": CALLBACK,
            "code_challenge": "x" * 43,
        }
        answer = site.server.http.get("/oauth/authorize", params=query | changes, follow_redirects=False)
        assert answer.status_code == 302
        assert "code=" not in answer.headers["location"]


def test_neither_tokens_nor_codes_are_stored_in_clear(site: Site) -> None:
    verifier, auth = secrets.token_urlsafe(48), ("app-secret", "s" * 43)
    issued = redeem(site, site.code("app-secret", verifier)["code"][0], verifier, auth=auth).json()
    for table in ("oauth2_provider_accesstoken", "oauth2_provider_refreshtoken", "audit_event"):
        stored = json.dumps(site.server.rows(f"SELECT t::text FROM {table} t"))
        assert issued["access_token"] not in stored
        assert issued["refresh_token"] not in stored
