"""Clients, and what of them the toolkit can see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.hashers import check_password

from partners import inventory, services
from partners.errors import ConfigurationRefused, IllegalTransition, NotRegistered
from partners.models import Client, KeySource
from partners.states import ClientState
from partners.vocabulary import ClientType, GrantType, Kind, SignatureAlgorithm
from policy.parties import ClientAuthentication
from tests.certificates import Authority, make
from tests.partners import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from partners.changes import Change

KEY = (Kind.CLIENT, "", "kestrel-settlement")
JWT = (ClientAuthentication.PRIVATE_KEY_JWT,)
TLS = (ClientAuthentication.TLS_CLIENT_AUTH,)
SELF_SIGNED = ClientAuthentication.SELF_SIGNED_TLS_CLIENT_AUTH
ROOT = Authority()
NAMED = {"tls_client_auth_san_dns": "settle.kestrel.example"}
ALSO = {"tls_client_auth_san_ip": "192.0.2.1"}
BY_CODE = {"grant_types": (GrantType.AUTHORIZATION_CODE,), "redirect_uris": ("https://a.example",)}


@pytest.fixture
def ready(change: Change) -> Change:
    """A change with a target and a partner to register clients for."""
    services.register_target(change, examples.target())
    services.register_partner(change, examples.partner())
    return change


def test_a_registered_client_is_what_was_declared_and_active(ready: Change) -> None:
    declared = examples.client(
        methods=(ClientAuthentication.CLIENT_SECRET_BASIC, ClientAuthentication.PRIVATE_KEY_JWT),
        grant_types=(GrantType.AUTHORIZATION_CODE, GrantType.TOKEN_EXCHANGE),
        scopes=("ledger:read", "ledger:write"),
        jwks={"keys": [examples.public_key(kid="k1")]},
        assertion_algorithms=(SignatureAlgorithm.ES256,),
        accepts_endpoint_audience=True,
        redirect_uris=("https://kestrel.example/callback",),
        serves=("ledger-api",),
        state=ClientState.ACTIVE,
    )
    services.register_client(ready, declared)
    assert inventory.everything()[KEY].declared == declared


@pytest.mark.parametrize(
    "name",
    [
        {"tls_client_auth_subject_dn": "CN=settlement,O=Kestrel Payments"},
        {"tls_client_auth_san_dns": "settle.kestrel.example"},
        {"tls_client_auth_san_uri": "spiffe://kestrel.example/settlement"},
        {"tls_client_auth_san_ip": "2001:db8::1"},
        {"tls_client_auth_san_email": "settle@kestrel.example"},
    ],
    ids=lambda name: next(iter(name)),
)
def test_a_client_known_by_its_certificate_is_what_was_declared(ready: Change, name: dict[str, str]) -> None:
    declared = examples.client(
        methods=TLS,
        **name,
        trust_anchors=ROOT.pem,
        tls_client_certificate_bound_access_tokens=True,
        dpop_bound_access_tokens=True,
        requires_dpop_nonce=True,
        state=ClientState.ACTIVE,
    )
    services.register_client(ready, declared)
    assert inventory.everything()[KEY].declared == declared
    assert services.change_client(ready, declared) == ()


def test_the_authorities_of_the_partner_serve_its_clients_and_are_kept_without_what_stands_around_them(
    ready: Change,
) -> None:
    services.change_partner(ready, examples.partner(trust_anchors=f"Our root:\n{ROOT.pem}\n{ROOT.pem}"))
    services.register_client(ready, examples.client(methods=TLS, **NAMED))
    assert inventory.everything()[(Kind.PARTNER, "", "kestrel")].declared.trust_anchors == ROOT.pem  # type: ignore[union-attr]
    assert services.change_partner(ready, examples.partner(trust_anchors=ROOT.pem)) == ()


def test_a_self_signed_client_is_known_by_its_keys(ready: Change) -> None:
    services.register_client(ready, examples.client(methods=(SELF_SIGNED,), jwks=examples.jwks()))
    assert KeySource.objects.get().jwks["keys"]


def test_keys_lose_what_is_not_public_signing_material(ready: Change) -> None:
    key = examples.public_key(kid="k1", x5u="https://kestrel.example/cert", x5t="abc")
    services.register_client(ready, examples.client(methods=JWT, jwks={"keys": [key]}))
    assert KeySource.objects.get().jwks["keys"] == [{name: key[name] for name in ("kty", "kid", "crv", "x", "y")}]


def test_declaring_the_same_keys_again_with_what_was_dropped_is_no_change(ready: Change) -> None:
    declared = examples.client(methods=JWT, jwks={"keys": [examples.public_key(kid="k1", x5t="abc")]})
    services.register_client(ready, declared)
    assert services.change_client(ready, declared) == ()


def test_a_replaced_key_under_the_same_kid_shows_as_a_change(ready: Change) -> None:
    services.register_client(ready, examples.client(methods=JWT, jwks=examples.jwks()))
    (field,) = services.change_client(ready, examples.client(methods=JWT, jwks=examples.jwks()))
    assert field.field == "jwks"
    assert field.old != field.new


def test_a_replaced_key_set_leaves_no_old_key_source(ready: Change) -> None:
    services.register_client(ready, examples.client(methods=JWT, jwks=examples.jwks()))
    services.change_client(ready, examples.client(methods=JWT, jwks_uri="https://kestrel.example/jwks"))
    source = KeySource.objects.get()
    assert (source.method, source.location, source.jwks_uri, source.jwks) == (
        "jwks_uri",
        "https://kestrel.example/jwks",
        "https://kestrel.example/jwks",
        {},
    )
    services.change_client(ready, examples.client())
    assert not KeySource.objects.exists()


def test_fetched_keys_survive_a_change_of_something_else(ready: Change) -> None:
    declared = {"methods": JWT, "jwks_uri": "https://kestrel.example/jwks"}
    services.register_client(ready, examples.client(**declared))
    KeySource.objects.update(jwks=examples.jwks(), failures=1)
    services.change_client(ready, examples.client(title="Settlement", **declared))
    source = KeySource.objects.get()
    assert source.failures == 1
    assert source.jwks["keys"]


def test_the_column_of_the_toolkit_opens_for_no_secret_and_stays_as_it_is(ready: Change) -> None:
    services.register_client(ready, examples.client())
    stored = Client.objects.get().client_secret
    for guess in ("", " ", stored, "secret"):
        assert not check_password(guess, stored)
    services.change_client(ready, examples.client(title="Other"))
    assert Client.objects.get().client_secret == stored


def test_suspending_and_reinstating_are_audited_and_never_silent(
    ready: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.register_client(ready, examples.client())
    services.suspend_client(ready, "kestrel-settlement")
    with pytest.raises(IllegalTransition, match="suspended already"):
        services.suspend_client(ready, "kestrel-settlement")
    services.reinstate_client(ready, "kestrel-settlement")
    with pytest.raises(IllegalTransition, match="active already"):
        services.reinstate_client(ready, "kestrel-settlement")
    assert [event["data"]["change"] for event in events()][-2:] == ["suspended", "reinstated"]
    assert events()[-1]["client"] == "kestrel-settlement"


def test_a_client_never_moves_to_another_partner(ready: Change) -> None:
    services.register_client(ready, examples.client())
    services.register_partner(ready, examples.partner(name="fjord", title="Fjord Analytics"))
    with pytest.raises(ConfigurationRefused, match="partner: expected kestrel: a client never moves"):
        services.change_client(ready, examples.client(partner="fjord"))


def test_a_client_of_our_own_belongs_to_no_partner(ready: Change) -> None:
    services.register_client(ready, examples.client(partner=None, serves=("ledger-api",)))
    assert Client.objects.get().partner is None


def test_a_public_client_keeps_no_secret(ready: Change) -> None:
    services.register_client(ready, examples.client(grant_types=(GrantType.DEVICE_CODE,)))
    services.put_secrets(ready, "kestrel-settlement", [examples.SECRET])
    public = {"client_type": ClientType.PUBLIC, "methods": (), "grant_types": (GrantType.DEVICE_CODE,)}
    services.change_client(ready, examples.client(**public))
    assert not Client.objects.get().secrets.exists()
    with pytest.raises(IllegalTransition, match="is public and keeps no secret"):
        services.generate_secret(ready, "kestrel-settlement")


@pytest.mark.parametrize(
    ("fields", "field", "expected"),
    [
        ({"methods": ()}, "methods", "at least one for a confidential client"),
        ({"methods": JWT}, "methods", "jwks or jwks_uri exactly where"),
        ({"jwks": examples.jwks()}, "methods", "jwks or jwks_uri exactly where"),
        ({"methods": JWT, "jwks": examples.jwks(), "jwks_uri": "https://a.example"}, "jwks_uri", "not both"),
        ({"methods": JWT, "jwks_uri": "http://a.example/k"}, "jwks_uri", "an https URL"),
        ({"methods": JWT, "jwks_uri": "http://127.0.0.1/k"}, "jwks_uri", "HANDOVER_OUTBOUND_ALLOW"),
        ({"methods": JWT, "jwks": {"keys": []}}, "jwks", "it is empty"),
        ({"methods": JWT, "jwks": {"keys": [examples.private_key()]}}, "jwks", "private members"),
        (
            {"methods": JWT, "jwks": examples.jwks(), "assertion_algorithms": (SignatureAlgorithm.RS256,)},
            "assertion_algorithms",
            "an algorithm that one of the keys",
        ),
        ({"assertion_algorithms": ()}, "assertion_algorithms", "at least one signature algorithm"),
        ({"redirect_uris": ("https://a.example",)}, "redirect_uris", "exactly where grant_types"),
        ({"grant_types": (GrantType.AUTHORIZATION_CODE,)}, "redirect_uris", "exactly where grant_types"),
        ({"client_type": ClientType.PUBLIC}, "methods", "none for a public client"),
        ({"client_type": ClientType.PUBLIC, "methods": ()}, "grant_types", "RFC 8693 section 5"),
        ({"methods": TLS, "trust_anchors": ROOT.pem}, "methods", "exactly one of the tls_client_auth fields"),
        ({"methods": TLS, "trust_anchors": ROOT.pem, **NAMED, **ALSO}, "methods", "exactly one of the"),
        (NAMED, "methods", "where methods lists tls_client_auth, else none"),
        ({"methods": TLS, **NAMED}, "trust_anchors", "trust anchors, here or at the partner"),
        ({"trust_anchors": ROOT.pem}, "trust_anchors", "none, unless methods lists tls_client_auth"),
        ({"methods": TLS, **NAMED, "trust_anchors": "junk"}, "trust_anchors", "no list of PEM certificates"),
        ({"methods": TLS, **NAMED, "trust_anchors": make("a").pem}, "trust_anchors", "not an authority's"),
        ({"methods": TLS, **NAMED, "trust_anchors": ROOT.holder.key_pem}, "trust_anchors", "a private key"),
        ({"methods": (*TLS, SELF_SIGNED), **NAMED}, "methods", "one method with a certificate"),
        ({"methods": (SELF_SIGNED,)}, "methods", "jwks or jwks_uri exactly where"),
        ({"methods": TLS, "tls_client_auth_subject_dn": "Kestrel"}, "tls_client_auth_subject_dn", "RFC 4514"),
        ({"methods": TLS, "tls_client_auth_san_ip": "1.2.3"}, "tls_client_auth_san_ip", "an IP address"),
        ({"methods": TLS, "tls_client_auth_san_dns": "a b"}, "tls_client_auth_san_dns", "a host name"),
        ({"methods": TLS, "tls_client_auth_san_uri": ""}, "tls_client_auth_san_uri", "a URI"),
        ({"scopes": ("ledger:fly",)}, "scopes", "scopes of a registered target"),
        ({"serves": ("nowhere",)}, "serves", "the name of a registered target"),
        ({"partner": "nobody"}, "partner", "the name of a registered partner"),
        ({"name": "a b"}, "name", "visible ASCII"),
    ],
)
def test_what_contradicts_itself_or_the_rest_is_refused_at_its_field(
    ready: Change, fields: dict[str, Any], field: str, expected: str
) -> None:
    with pytest.raises(ConfigurationRefused, match=r".") as refused:
        services.register_client(ready, examples.client(**fields))
    assert field in [problem.field for problem in refused.value.problems]
    assert expected in str(refused.value)
    assert not Client.objects.exists()


def test_a_client_id_is_taken_once_and_must_exist_to_be_changed(ready: Change) -> None:
    services.register_client(ready, examples.client())
    with pytest.raises(ConfigurationRefused, match="a client id that is not taken"):
        services.register_client(ready, examples.client())
    with pytest.raises(NotRegistered):
        services.change_client(ready, examples.client(name="another"))
