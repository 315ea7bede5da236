"""Clients that their platform vouches for: what may be declared. No forgotten rule lets a whole platform in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, transaction

from partners import inventory, selectors, services
from partners.declarations import DeclaredRule, DeclaredWorkload
from partners.errors import ConfigurationRefused
from partners.models import Client, KeySource
from partners.states import ClientState
from partners.vocabulary import ClientType, Kind, SignatureAlgorithm
from policy.claim_rules import Operator
from policy.parties import ClientAuthentication
from tests.partners import examples

if TYPE_CHECKING:
    from partners.changes import Change

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
WORKLOAD = (ClientAuthentication.WORKLOAD_JWT,)


def rule(claim: str, operator: Operator = Operator.EQUALS, value: object = "acme/settle") -> DeclaredRule:
    return DeclaredRule(claim=claim, operator=operator, value=value)


def workload(**fields: Any) -> DeclaredWorkload:
    good: dict[str, Any] = {"issuer": "https://k8s.kestrel.example", "rules": (rule("sub"),)}
    return DeclaredWorkload(**{**good, **fields})


def client(**fields: Any) -> Any:
    """A client of its platform; ``fields`` are those of ``workload``."""
    return examples.client(methods=WORKLOAD, workload=workload(**fields))


@pytest.fixture
def ready(change: Change) -> Change:
    """A change with a target and a partner to register clients for."""
    services.register_target(change, examples.target())
    services.register_partner(change, examples.partner())
    return change


def problems(ready: Change, declared: Any) -> dict[str, str]:
    with pytest.raises(ConfigurationRefused) as caught:
        services.register_client(ready, declared)
    return {problem.field: problem.expected for problem in caught.value.problems}


def test_a_registered_workload_is_what_was_declared(ready: Change) -> None:
    declared = examples.client(
        methods=tuple(sorted((ClientAuthentication.CLIENT_SECRET_BASIC, *WORKLOAD))),
        workload=workload(
            audiences=("https://meridian.example/partners",),
            jwks={"keys": [examples.public_key(kid="k1")]},
            algorithms=(SignatureAlgorithm.ES256,),
            rules=(
                rule("sub", Operator.MATCHES, "system:serviceaccount:pay-[a-z]+:settle"),
                rule("kubernetes.io/namespace", Operator.ONE_OF, ["pay-a", "pay-b"]),
                DeclaredRule(claim="env", operator=Operator.EXISTS),
            ),
            lifetime=timedelta(hours=1),
        ),
        state=ClientState.ACTIVE,
    )
    services.register_client(ready, declared)
    assert inventory.everything()[(Kind.CLIENT, "", declared.name)].declared == declared
    assert services.change_client(ready, declared) == ()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("discovery", "https://k8s.kestrel.example")),
        ({"jwks_uri": "https://k8s.kestrel.example/jwks"}, ("jwks_uri", "https://k8s.kestrel.example/jwks")),
        (
            {"issuer": "spiffe://kestrel.example", "jwks_uri": "https://spire.kestrel.example/b"},
            ("jwks_uri", "https://spire.kestrel.example/b"),
        ),
    ],
    ids=["by discovery", "an address", "a trust domain"],
)
def test_the_keys_of_the_platform_come_from_one_source(
    ready: Change, fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    services.register_client(ready, client(**fields))
    source = KeySource.objects.get()
    assert (source.method, source.location) == expected
    assert source.client.client_id == "kestrel-settlement"


def test_a_workload_that_becomes_an_ordinary_client_leaves_nothing_of_its_platform(ready: Change) -> None:
    services.register_client(ready, client())
    fields = services.change_client(ready, examples.client())
    assert {change.field for change in fields} == {"methods", "workload"}
    assert not KeySource.objects.exists()
    assert (Client.objects.get().workload_issuer, Client.objects.get().workload_rules) == ("", [])


def test_a_replaced_platform_key_shows_as_a_change_and_the_set_itself_does_not(ready: Change) -> None:
    services.register_client(ready, client(jwks=examples.jwks()))
    (field,) = services.change_client(ready, client(jwks=examples.jwks()))
    assert (field.field, type(field.old), type(field.new)) == ("workload", dict, dict)
    assert field.old["jwks"] != field.new["jwks"]  # type: ignore[index,call-overload]
    assert all(name.startswith("k1 ") for name in field.new["jwks"])  # type: ignore[index,call-overload,union-attr]


def test_a_client_of_our_own_may_run_on_a_platform_and_its_keys_reach_the_registry(ready: Change) -> None:
    declared = examples.client(partner=None, scopes=(), methods=WORKLOAD, workload=workload(jwks=examples.jwks()))
    services.register_client(ready, declared)
    own = selectors.configuration().partners[None]
    (found,) = own.clients
    assert found.workload is not None
    assert [key_set.id for key_set in own.key_sets] == [found.key_source_id]


def test_a_client_of_our_own_may_sign_its_assertions_itself(ready: Change) -> None:
    methods = (ClientAuthentication.PRIVATE_KEY_JWT,)
    services.register_client(ready, examples.client(partner=None, methods=methods, jwks=examples.jwks()))
    (key_set,) = selectors.configuration().partners[None].key_sets
    assert [key["kid"] for key in key_set.keys] == ["k1"]


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (rule("aud"),),
        (rule("iss"), rule("jti", Operator.MATCHES, "[a-z]+")),
        (DeclaredRule(claim="sub", operator=Operator.EXISTS),),
        (rule("sub", Operator.MATCHES, ".*"),),
        (rule("sub", Operator.MATCHES, "(?s:.)+|x"),),
    ],
    ids=["none", "of the audience", "of issuer and jti", "that it exists", "anything", "anything, disguised"],
)
def test_rules_that_every_workload_of_a_platform_meets_are_refused(
    ready: Change, rules: tuple[DeclaredRule, ...]
) -> None:
    assert "not every workload" in problems(ready, client(rules=rules))["workload.rules"]


@pytest.mark.parametrize(
    ("issuer", "found"),
    [
        (GITHUB, rule("ref", value="refs/heads/main")),
        (GITHUB, rule("environment", value="production")),
        (GITHUB, rule("sub", Operator.MATCHES, "repo:.*:ref:refs/heads/main")),
        (GITHUB, rule("repository", Operator.MATCHES, "[^/]+/[^/]+")),
        (GITLAB, rule("ref_protected", value="true")),
        (GITLAB, rule("sub", Operator.MATCHES, "project_path:.*:ref:main")),
        (GITLAB, rule("user_login", value="ada")),
    ],
)
def test_on_a_platform_for_everybody_a_rule_must_name_the_owner(
    ready: Change, issuer: str, found: DeclaredRule
) -> None:
    assert "sub" in problems(ready, client(issuer=issuer, rules=(found,)))["workload.rules"]


@pytest.mark.parametrize(
    ("issuer", "found"),
    [
        (GITHUB, rule("repository")),
        (GITHUB, rule("repository_owner_id", value="4711")),
        (GITHUB, rule("sub", Operator.MATCHES, "repo:acme/settle:.*")),
        (GITLAB, rule("project_path")),
        (GITLAB, rule("namespace_id", value="4711")),
    ],
)
def test_a_rule_that_names_the_owner_suffices(ready: Change, issuer: str, found: DeclaredRule) -> None:
    services.register_client(ready, client(issuer=issuer, rules=(rule("ref", value="refs/heads/main"), found)))
    assert Client.objects.get().workload_issuer == issuer


def test_method_and_workload_come_together(ready: Change) -> None:
    assert "methods" in problems(ready, examples.client(methods=WORKLOAD))
    assert "methods" in problems(ready, examples.client(workload=workload()))


@pytest.mark.parametrize(
    "method", [ClientAuthentication.PRIVATE_KEY_JWT, ClientAuthentication.SELF_SIGNED_TLS_CLIENT_AUTH]
)
def test_a_platforms_keys_are_never_the_clients_own(ready: Change, method: ClientAuthentication) -> None:
    """With both, a token of the platform could pass as an assertion of the client, or the reverse."""
    methods = tuple(sorted((method, *WORKLOAD)))
    declared = examples.client(methods=methods, jwks=examples.jwks(), workload=workload())
    assert "one key set" in problems(ready, declared)["methods"]


def test_a_public_client_has_no_platform(ready: Change) -> None:
    declared = examples.client(client_type=ClientType.PUBLIC, grant_types=(), methods=WORKLOAD, workload=workload())
    assert "public" in problems(ready, declared)["methods"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"issuer": "http://k8s.kestrel.example"}, "workload.issuer"),
        ({"issuer": "spiffe://kestrel.example/"}, "workload.issuer"),
        ({"issuer": "spiffe://Kestrel.example", "jwks": {}}, "workload.issuer"),
        ({"issuer": "spiffe://kestrel.example"}, "workload.jwks_uri"),
        ({"lifetime": timedelta(seconds=3601)}, "workload.lifetime"),
        ({"lifetime": timedelta(0)}, "workload.lifetime"),
        ({"algorithms": ()}, "workload.algorithms"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}, "workload.jwks"),
        ({"jwks_uri": "http://169.254.169.254/keys"}, "workload.jwks_uri"),
        ({"rules": (rule("sub", Operator.MATCHES, "("),)}, "workload.rules[0]"),
        ({"audiences": ("two words",)}, "workload.audiences[0]"),
    ],
)
def test_what_cannot_work_is_refused_at_its_field(ready: Change, fields: dict[str, Any], field: str) -> None:
    assert field in problems(ready, client(**fields))


def test_the_database_keeps_a_workload_without_rules_and_a_longer_lifetime_out(ready: Change) -> None:
    services.register_client(ready, client())
    wrong: dict[str, Any]
    for wrong in ({"workload_rules": []}, {"workload_lifetime": timedelta(hours=1, seconds=1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Client.objects.update(**wrong)


def test_keys_that_spiffe_marks_for_its_jwts_are_taken_and_those_for_certificates_left_out(ready: Change) -> None:
    keys = [examples.public_key(kid="j", use="jwt-svid"), examples.public_key(kid="x", use="x509-svid")]
    services.register_client(ready, client(issuer="spiffe://kestrel.example", jwks=examples.jwks(*keys)))
    assert [key["kid"] for key in KeySource.objects.get().jwks["keys"]] == ["j"]
