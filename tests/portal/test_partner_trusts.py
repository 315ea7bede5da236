"""Trusts written in the browser: an issuer examined before it is trusted, changed keys confirmed, a trust withdrawn."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from exchange.outbound import client as outbound_client
from partners.models import FederationTrust, KeySource, Partner, ScopeMapping
from portal.roles import Role
from tests.exchange import sites
from tests.exchange.identity_providers import JWKS, OPENID, identity_provider
from tests.signers import make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test import Client

    from tests.exchange.identity_providers import IdentityProvider
    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

CHECK, NEW = "/partners/orbit/trust/check", "/partners/orbit/trust/new"


@pytest.fixture(autouse=True)
def _loopback_is_allowed(settings: Any) -> None:
    """The operator vouches for loopback, and no case inherits the failures another one counted."""
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.1/32"),))
    outbound_client.cache_clear()


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    """Another organisation's identity provider, which really answers."""
    with identity_provider(make_key("ES256")) as provider:
        yield provider


@pytest.fixture
def manager(organisation: Organisation, signed_in: SignIn) -> Client:  # noqa: ARG001 - asked for its partners
    """A partner manager's browser."""
    return signed_in(Role.PARTNER_MANAGER)


def trust(issuer: str = "", /, **changes: Any) -> dict[str, Any]:
    good = {
        "issuer": issuer,
        "method": "discovery",
        "jwks_uri": "",
        "jwks": "",
        "name": "orbit-idp",
        "algorithms": ["ES256"],
        "audiences": "",
        "rules": "tier equals gold",
    }
    return good | changes


def checked(browser: Client, **typed: Any) -> str:
    return browser.post(CHECK, trust("", **typed), headers={"HX-Request": "true"}).content.decode()


def test_an_issuer_that_is_as_it_should_be_passes_each_check(manager: Client, idp: IdentityProvider) -> None:
    page = checked(manager, issuer=idp.url)
    for words in ("The discovery document came", "It names this issuer", "The key set was read at", "No weak key"):
        assert words in page
    assert "Its tokens can be verified. Nothing was saved by looking." in page
    assert "<html" not in page
    assert not FederationTrust.objects.filter(partner__slug="orbit").exists()


def test_without_script_the_check_is_a_page_on_which_nothing_typed_is_lost(
    manager: Client, idp: IdentityProvider
) -> None:
    page = manager.post(CHECK, trust(idp.url, audiences="https://one.example")).content.decode()
    assert "<html" in page
    assert "It names this issuer" in page
    assert 'value="https://one.example"' in page
    assert f'value="{idp.url}"' in page


def test_another_issuer_in_the_document_is_named_with_what_to_do(manager: Client, idp: IdentityProvider) -> None:
    idp.documents[OPENID] = {"issuer": "https://orbit.example", "jwks_uri": idp.url + JWKS}
    page = checked(manager, issuer=idp.url)
    assert "The discovery document names a different issuer: https://orbit.example" in page
    assert "Use the address that the document names" in page
    assert idp.site.paths() == [OPENID]


def test_keys_at_another_origin_are_not_fetched_on_the_partners_word(manager: Client, idp: IdentityProvider) -> None:
    idp.documents[OPENID] = {"issuer": idp.url, "jwks_uri": "https://elsewhere.example/keys"}
    page = checked(manager, issuer=idp.url)
    assert "https://elsewhere.example/keys" in page
    assert "issuer&#x27;s own origin" in page


@pytest.mark.parametrize(
    ("issuer", "words"),
    [
        ("https://10.0.0.7", "a private address"),
        ("https://169.254.169.254/latest", "a link-local address"),
        ("http://orbit.example", "The address is not one that may be called"),
        ("file:///etc/passwd", "The address is not one that may be called"),
        ("not an address", "The address is not one that may be called"),
        ("", "Enter an address first."),
    ],
)
def test_an_address_that_may_not_be_called_is_not_called(manager: Client, issuer: str, words: str) -> None:
    assert words in checked(manager, issuer=issuer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (sites.reply("no", status="302 Found", Location="https://10.0.0.7/"), "redirect"),
        (sites.reply("<html>", Content_Type="text/html"), "not JSON"),
        (sites.reply("{"), "not usable JSON"),
        (sites.not_found(), "404"),
    ],
    ids=["a redirect", "a page", "half a document", "nothing"],
)
def test_an_issuer_that_answers_something_else_is_told_apart(manager: Client, answer: bytes, words: str) -> None:
    with sites.site(sites.always(answer)) as site:
        page = checked(manager, issuer=site.url)
    assert "No discovery document that can be believed" in page
    assert words in page


def test_an_issuer_that_is_down_is_said_to_be(manager: Client) -> None:
    with sites.site(sites.always(b"")) as site:
        gone = site.url
    assert "No discovery document that can be believed" in checked(manager, issuer=gone)


def test_pasted_keys_are_examined_and_a_weak_one_is_named(manager: Client) -> None:
    good = json.dumps(public_jwks(make_key("RS256")))
    assert "RSA 2048" in checked(manager, method="uploaded", jwks=good)
    assert "not readable as JSON" in checked(manager, method="uploaded", jwks="{")
    assert "The key set is not acceptable" in checked(manager, method="uploaded", jwks='{"keys": []}')
    assert "Paste a key set first." in checked(manager, method="uploaded")


def test_a_trust_is_added_and_the_draft_is_being_configured(manager: Client, idp: IdentityProvider) -> None:
    answer = manager.post(NEW, trust(idp.url))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/partners/orbit/mappings/new")
    row = FederationTrust.objects.get(partner__slug="orbit")
    assert (row.issuer, row.key_source.method, row.algorithms) == (idp.url, "discovery", ["ES256"])
    assert Partner.objects.get(slug="orbit").state == "configuring"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"issuer": "http://orbit.example"}, "an https URL"),
        ({"issuer": ""}, "Issuer is empty. Fill it in."),
        ({"method": "jwks_uri", "jwks_uri": "ftp://orbit.example"}, "Address of the key set"),
        ({"method": "uploaded", "jwks": "{"}, "not readable as JSON"),
        ({"method": "uploaded", "jwks": '{"keys": []}'}, "an acceptable key set"),
        ({"name": "Orbit IDP"}, "Name of this trust"),
        ({"rules": "tier gold"}, "Line 1 is no condition"),
        ({"algorithms": ["HS256"]}, "what came is not offered"),
        ({"issuer": "https://a.example/\x00"}, "a character came that no text can hold"),
    ],
)
def test_what_is_wrong_with_a_trust_stands_beside_its_field(
    manager: Client, changes: dict[str, Any], words: str
) -> None:
    answer = manager.post(NEW, trust("https://idp.orbit.example", **changes))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not FederationTrust.objects.filter(partner__slug="orbit").exists()


def test_a_withdrawal_says_which_mappings_go_with_it(manager: Client) -> None:
    address = "/partners/kestrel/trust/kestrel-idp/withdraw"
    page = manager.get(address).content.decode()
    assert "2 mappings are withdrawn with it:" in page
    assert '<span class="sc">settle</span>' in page
    assert manager.post(address).status_code == 302
    assert FederationTrust.objects.get(name="kestrel-idp").state == "withdrawn"
    assert not ScopeMapping.objects.filter(partner__slug="kestrel", state="published").exists()
    assert manager.post(address).status_code == 409


def test_changed_keys_wait_on_the_page_until_somebody_takes_them(manager: Client) -> None:
    new = public_jwks(make_key("ES256"))
    source = KeySource.objects.get(location="https://idp.kestrel.example")
    KeySource.objects.filter(pk=source.pk).update(pending_jwks=new, pending_since=timezone.now())
    page = manager.get("/partners/kestrel/trust").content.decode()
    assert "Changed keys wait for you" in page
    address = f"/partners/kestrel/trust/keys/{source.pk}/confirm"
    assert manager.post(address).status_code == 302
    source.refresh_from_db()
    assert source.jwks == new
    again = manager.post(address)
    assert again.status_code == 409
    assert "Nothing of that key source waits for confirmation any more." in again.content.decode()


def test_another_address_of_keys_is_called_once_somebody_has_seen_it(manager: Client) -> None:
    source = KeySource.objects.get(location="https://idp.kestrel.example")
    KeySource.objects.filter(pk=source.pk).update(pending_jwks_uri="https://keys.kestrel.example/jwks")
    assert "Another address of keys waits for you" in manager.get("/partners/kestrel/trust").content.decode()
    address = f"/partners/kestrel/trust/keys/{source.pk}/confirm"
    stale = manager.post(address, {"jwks_uri": "https://evil.example/jwks"})
    assert stale.status_code == 409
    assert manager.post(address, {"jwks_uri": "https://keys.kestrel.example/jwks"}).status_code == 302
    source.refresh_from_db()
    assert (source.jwks_uri, source.pending_jwks_uri) == ("https://keys.kestrel.example/jwks", "")


def test_keys_of_one_partner_are_not_confirmed_under_the_name_of_another(manager: Client) -> None:
    source = KeySource.objects.get(location="https://idp.kestrel.example")
    KeySource.objects.filter(pk=source.pk).update(pending_jwks={"keys": []}, pending_since=timezone.now())
    assert manager.post(f"/partners/fjord/trust/keys/{source.pk}/confirm").status_code == 409
    source.refresh_from_db()
    assert source.pending_since


@pytest.mark.usefixtures("organisation")
def test_who_only_reads_examines_and_changes_nothing(signed_in: SignIn) -> None:
    browser = signed_in(Role.AUDITOR)
    assert "trust/new" not in browser.get("/partners/kestrel/trust").content.decode()
    for address in (CHECK, NEW, "/partners/kestrel/trust/kestrel-idp/withdraw"):
        assert browser.post(address).status_code == 403


@pytest.mark.parametrize("address", ["", "/new", "/kestrel-idp/withdraw"])
def test_a_page_takes_few_queries(manager: Client, django_assert_max_num_queries: Any, address: str) -> None:
    with django_assert_max_num_queries(12):
        assert manager.get(f"/partners/kestrel/trust{address}").status_code == 200
