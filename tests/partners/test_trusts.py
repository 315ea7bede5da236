"""Trusts: whom we believe for a partner, and where their keys come from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, transaction

from partners import inventory, services
from partners.declarations import DeclaredRule, DeclaredTrust
from partners.errors import ConfigurationRefused, IllegalTransition, NotRegistered
from partners.models import FederationTrust, KeySource, ScopeMapping
from partners.vocabulary import Kind, SignatureAlgorithm, SubjectTokenType
from policy.claim_rules import Operator
from tests.attacks import attack
from tests.partners import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from partners.changes import Change


@pytest.fixture
def ready(change: Change) -> Change:
    """A change with a partner to trust somebody for."""
    services.register_partner(change, examples.partner())
    return change


def declared_trust() -> DeclaredTrust:
    found = inventory.everything()[Kind.TRUST, "kestrel", "kestrel-idp"].declared
    assert isinstance(found, DeclaredTrust)
    return found


def test_an_added_trust_is_what_was_declared_and_active(ready: Change) -> None:
    declared = examples.trust(
        jwks=examples.jwks(),
        audiences=("a", "b"),
        token_types=(SubjectTokenType.ID_TOKEN, SubjectTokenType.JWT),
        algorithms=(SignatureAlgorithm.ES256,),
        rules=(
            DeclaredRule(claim="tier", operator=Operator.ONE_OF, value=["gold", 1, True]),
            DeclaredRule(claim="mfa", operator=Operator.EXISTS),
        ),
        leeway=timedelta(0),
        subject_lifetime=timedelta(days=1),
        lifetime=timedelta(seconds=1),
        max_depth=4,
        one_time=True,
        allows_foreign_chain=True,
        accepts_actors=True,
    )
    services.add_trust(ready, declared)
    assert declared_trust() == declared
    row = FederationTrust.objects.get()
    assert row.state == "active"
    assert row.rules[1] == {"claim": "mfa", "operator": "exists"}


def test_a_trust_whose_tokens_are_good_once_cannot_let_assertions_come_again(ready: Change) -> None:
    with pytest.raises(ConfigurationRefused, match="reusable_assertions"):
        services.add_trust(ready, examples.trust(jwks=examples.jwks(), one_time=True, reusable_assertions=True))
    services.add_trust(ready, examples.trust(jwks=examples.jwks(), reusable_assertions=True))
    assert FederationTrust.objects.get().reusable_assertions
    with pytest.raises(IntegrityError, match="trust_assertions_come_again_or_not"), transaction.atomic():
        FederationTrust.objects.update(one_time=True)


def test_adding_and_withdrawing_are_events_of_their_own(
    ready: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.add_trust(ready, examples.trust())
    services.withdraw_trust(ready, "kestrel", "kestrel-idp")
    assert [event["kind"] for event in events() if event["kind"].startswith("trust.")] == [
        "trust.added",
        "trust.withdrawn",
    ]
    assert events()[-1]["data"]["fields"] == {"state": {"old": "active", "new": "withdrawn"}}


@pytest.mark.parametrize(
    ("fields", "method", "location", "jwks_uri"),
    [
        ({}, "discovery", "https://login.kestrel.example", ""),
        ({"jwks_uri": "https://keys.example/set"}, "jwks_uri", "https://keys.example/set", "https://keys.example/set"),
        ({"jwks": examples.jwks()}, "uploaded", "", ""),
    ],
)
def test_keys_come_from_discovery_an_address_or_an_upload(
    ready: Change, fields: dict[str, Any], method: str, location: str, jwks_uri: str
) -> None:
    services.add_trust(ready, examples.trust(**fields))
    source = KeySource.objects.get()
    assert (source.method, source.location, source.jwks_uri) == (method, location, jwks_uri)
    assert source.next_fetch_at is None, "the refresher takes it at once"


def test_another_issuer_starts_without_the_keys_of_the_old_one(ready: Change) -> None:
    services.add_trust(ready, examples.trust())
    KeySource.objects.update(jwks=examples.jwks())
    services.change_trust(ready, examples.trust(issuer="https://idp.kestrel.example"))
    source = KeySource.objects.get()
    assert (source.location, source.jwks) == ("https://idp.kestrel.example", {})


def test_a_change_of_something_else_keeps_the_fetched_keys(ready: Change) -> None:
    services.add_trust(ready, examples.trust())
    KeySource.objects.update(jwks=examples.jwks(), jwks_uri="https://login.kestrel.example/keys")
    before = KeySource.objects.values().get()
    services.change_trust(ready, examples.trust(lifetime=timedelta(minutes=1)))
    assert KeySource.objects.values().get() == before


def test_an_unchanged_trust_changes_nothing_and_audits_nothing(
    ready: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.add_trust(ready, examples.trust())
    before = len(events())
    assert services.change_trust(ready, examples.trust()) == ()
    assert len(events()) == before


def test_a_quarantined_trust_stays_quarantined_through_a_change(ready: Change) -> None:
    services.add_trust(ready, examples.trust())
    FederationTrust.objects.update(state="quarantined")
    services.change_trust(ready, examples.trust(lifetime=timedelta(minutes=1)))
    assert FederationTrust.objects.get().state == "quarantined"


def test_withdrawing_takes_the_mappings_along_and_is_final(registered: Change) -> None:
    services.withdraw_trust(registered, "kestrel", "kestrel-idp")
    assert ScopeMapping.objects.get().state == "withdrawn"
    with pytest.raises(IllegalTransition, match="withdrawn already"):
        services.withdraw_trust(registered, "kestrel", "kestrel-idp")
    with pytest.raises(IllegalTransition, match="which is final"):
        services.change_trust(registered, examples.trust())
    with pytest.raises(ConfigurationRefused, match="a withdrawn trust keeps its name"):
        services.add_trust(registered, examples.trust())
    services.add_trust(registered, examples.trust(name="kestrel-idp-2"))


def test_a_partner_trusts_each_issuer_once_and_two_partners_may_trust_the_same(ready: Change) -> None:
    services.add_trust(ready, examples.trust())
    with pytest.raises(ConfigurationRefused, match="issuer: expected an issuer that trust kestrel-idp does not have"):
        services.add_trust(ready, examples.trust(name="second"))
    services.register_partner(ready, examples.partner(name="fjord", title="Fjord"))
    services.add_trust(ready, examples.trust(partner="fjord"))


@attack("A19")
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"issuer": "http://login.kestrel.example"}, "issuer"),
        ({"issuer": "http://127.0.0.1:9000"}, "issuer"),
        ({"issuer": "http://localhost:9000"}, "issuer"),
        ({"issuer": "https://user@login.kestrel.example"}, "issuer"),
        ({"issuer": "https://login.kestrel.example?tenant=1"}, "issuer"),
        ({"issuer": "https://login.kestrel.example#a"}, "issuer"),
        ({"issuer": "https://login.kestrel.example\n"}, "issuer"),
        ({"issuer": "https://"}, "issuer"),
        ({"issuer": "https://login.kestrel.example:99999"}, "issuer"),
        ({"issuer": "https://[::1"}, "issuer"),
        ({"issuer": "login.kestrel.example"}, "issuer"),
        ({"issuer": ""}, "issuer"),
        ({"issuer": "https://" + "a" * 600 + ".example"}, "issuer"),
        ({"jwks_uri": "http://keys.example/set"}, "jwks_uri"),
        ({"jwks_uri": "https://user:secret@keys.example/set"}, "jwks_uri"),
        ({"jwks_uri": "https://keys.example/set", "jwks": examples.jwks()}, "jwks_uri"),
        ({"jwks": examples.jwks(), "algorithms": (SignatureAlgorithm.RS256,)}, "algorithms"),
        ({"jwks": {"keys": [examples.private_key()]}}, "jwks"),
        ({"algorithms": ()}, "algorithms"),
        ({"token_types": ()}, "token_types"),
        ({"rules": (DeclaredRule(claim="a", operator=Operator.MATCHES, value="("),)}, "rules[0]"),
        ({"rules": (DeclaredRule(claim="a", operator=Operator.EXISTS, value="b"),)}, "rules[0]"),
        ({"rules": (DeclaredRule(claim="a", operator=Operator.EQUALS, value="a\0b"),)}, "rules[0].value"),
        ({"max_depth": 5}, "max_depth"),
        ({"leeway": timedelta(seconds=61)}, "leeway"),
        ({"lifetime": timedelta(0)}, "lifetime"),
        ({"subject_lifetime": timedelta(days=2)}, "subject_lifetime"),
        ({"audiences": ("a", "a")}, "audiences"),
        ({"partner": "nobody"}, "partner"),
    ],
)
def test_what_must_not_be_trusted_is_refused_at_its_field(ready: Change, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        services.add_trust(ready, examples.trust(**fields))
    assert field in [problem.field for problem in refused.value.problems]
    assert not FederationTrust.objects.exists()
    assert not KeySource.objects.exists()


@attack("A19")
@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("http://127.0.0.1:9000", True),
        ("http://10.1.2.3", True),
        ("http://[fd00::1]:80", True),
        ("http://10.2.0.1", False),
        ("http://localhost", False),
        ("http://127.0.0.1.example", False),
    ],
)
def test_plain_http_is_for_addresses_the_operator_allowed(
    ready: Change,
    settings: Any,
    url: str,
    is_allowed: bool,  # noqa: FBT001
) -> None:
    networks = tuple(ip_network(text) for text in ("127.0.0.1/32", "10.1.0.0/16", "fd00::/8"))
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=networks)
    if is_allowed:
        services.add_trust(ready, examples.trust(issuer=url))
    else:
        with pytest.raises(ConfigurationRefused, match="HANDOVER_OUTBOUND_ALLOW"):
            services.add_trust(ready, examples.trust(issuer=url))


def test_an_unknown_trust_cannot_be_changed_or_withdrawn(ready: Change) -> None:
    with pytest.raises(NotRegistered, match="There is no trust named 'kestrel-idp'"):
        services.change_trust(ready, examples.trust())
    with pytest.raises(NotRegistered):
        services.withdraw_trust(ready, "kestrel", "kestrel-idp")
