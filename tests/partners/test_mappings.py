"""Mappings: versions that never change."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from partners import checking, inventory, selectors, services
from partners.declarations import DeclaredRule
from partners.errors import ConfigurationRefused, IllegalTransition, NotRegistered
from partners.models import ScopeMapping
from partners.states import SourceOfMapping
from partners.vocabulary import Kind
from policy.claim_names import RESERVED
from policy.claim_rules import Operator
from policy.expressions import Expression
from policy.expressions import Kind as ExpressionKind
from tests.partners import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from partners.changes import Change

KEY = (Kind.MAPPING, "kestrel", "to-ledger")


@pytest.fixture
def ready(change: Change) -> Change:
    """A change with everything a mapping refers to."""
    services.register_target(change, examples.target())
    services.register_partner(change, examples.partner())
    services.register_client(change, examples.client())
    services.add_trust(change, examples.trust())
    return change


def versions() -> list[tuple[int, str]]:
    return list(ScopeMapping.objects.order_by("version").values_list("version", "state"))


def test_a_published_mapping_is_what_was_declared_with_its_author(ready: Change) -> None:
    declared = examples.mapping(
        position=3,
        clients=("kestrel-settlement",),
        rules=(DeclaredRule(claim="groups", operator=Operator.CONTAINS, value="ops"),),
        grants={"a": ("ledger:read", "ledger:write"), "b": ("ledger:read",)},
        always=("ledger:read",),
        default_scopes=("ledger:read",),
        lifetime=timedelta(seconds=90),
        allows_impersonation=True,
        max_depth=0,
        subject_claim="email",
        condition="claims.level > 3",
        scopes_expression="scopes.filter(s, s.startsWith('ledger:'))",
        claims={"department": "claims.unit.lowerAscii()", "staff": "has(claims.employee)"},
        carries_login=True,
    )
    services.publish_mapping(ready, declared)
    assert inventory.everything()[KEY].declared == declared
    row = ScopeMapping.objects.get()
    assert (row.version, row.state, row.author) == (1, "published", "ada@meridian.example")


@pytest.mark.parametrize("owner", ["kestrel", None])
@pytest.mark.parametrize("source", [SourceOfMapping.OWN_TOKEN, SourceOfMapping.CLIENT])
def test_a_mapping_without_a_trust_is_for_a_partners_clients_or_for_our_own(
    ready: Change, source: SourceOfMapping, owner: str | None
) -> None:
    declared = examples.mapping(
        name="itself", partner=owner, source=source, trust=None, grants={}, always=("ledger:read",)
    )
    services.publish_mapping(ready, declared)
    assert services.publish_mapping(ready, declared) == ()
    assert inventory.everything()[Kind.MAPPING, owner or "", "itself"].declared == declared
    configurations = selectors.configuration().partners
    (held,) = (c for c in configurations.values() if (c.partner.slug if c.partner else None) == owner)
    assert [(mapping.source, mapping.trust_id) for mapping in held.mappings] == [(source.value, None)]
    services.withdraw_mapping(ready, owner or "", "itself")
    assert (Kind.MAPPING, owner or "", "itself") not in inventory.everything()


def test_an_offboarded_partner_keeps_no_mapping_in_force(ready: Change) -> None:
    services.publish_mapping(ready, examples.mapping())
    own = examples.mapping(name="itself", source=SourceOfMapping.CLIENT, trust=None, grants={}, always=("ledger:read",))
    services.publish_mapping(ready, own)
    services.offboard_partner(ready, "kestrel")
    assert set(ScopeMapping.objects.values_list("state", flat=True)) == {"withdrawn"}


def test_a_change_publishes_a_new_version_and_leaves_the_old_one_as_it_was(
    ready: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.publish_mapping(ready, examples.mapping())
    before = ScopeMapping.objects.values("grants", "lifetime", "created_at").get()
    services.publish_mapping(ready, examples.mapping(lifetime=timedelta(seconds=30)))
    assert versions() == [(1, "superseded"), (2, "published")]
    assert ScopeMapping.objects.values("grants", "lifetime", "created_at").get(version=1) == before
    event = events()[-1]
    assert event["kind"] == "mapping.published"
    assert event["data"]["fields"] == {"version": {"old": 1, "new": 2}, "lifetime": {"old": "5m", "new": "30s"}}


def test_publishing_what_is_in_force_changes_nothing_and_audits_nothing(
    ready: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.publish_mapping(ready, examples.mapping())
    before = len(events())
    assert services.publish_mapping(ready, examples.mapping()) == ()
    assert (versions(), len(events())) == ([(1, "published")], before)


def test_returning_to_an_earlier_content_is_a_new_version(ready: Change) -> None:
    for seconds in (30, 60, 30):
        services.publish_mapping(ready, examples.mapping(lifetime=timedelta(seconds=seconds)))
    assert versions() == [(1, "superseded"), (2, "superseded"), (3, "published")]


def test_a_withdrawn_mapping_has_no_version_in_force_and_may_get_one(
    ready: Change, events: Callable[[], list[dict[str, Any]]]
) -> None:
    services.publish_mapping(ready, examples.mapping())
    services.withdraw_mapping(ready, "kestrel", "to-ledger")
    assert KEY not in inventory.everything()
    assert events()[-1]["data"]["change"] == "withdrawn"
    with pytest.raises(IllegalTransition, match="has no version in force"):
        services.withdraw_mapping(ready, "kestrel", "to-ledger")
    services.publish_mapping(ready, examples.mapping())
    assert versions() == [(1, "withdrawn"), (2, "published")]


def test_an_unknown_mapping_cannot_be_withdrawn(ready: Change) -> None:
    with pytest.raises(NotRegistered):
        services.withdraw_mapping(ready, "kestrel", "nothing")


@pytest.mark.parametrize(
    ("fields", "field", "expected"),
    [
        ({"always": ("ledger:fly",)}, "always", "scopes of target ledger-api"),
        ({"grants": {"a": ("ledger:fly",)}, "default_scopes": ()}, "grants", "scopes of target ledger-api"),
        ({"default_scopes": ("ledger:write",)}, "default_scopes", "scopes that grants or always can give"),
        ({"clients": ("stranger",)}, "clients", "clients of kestrel"),
        ({"clients": ()}, "clients", "at least one client"),
        ({"trust": "another"}, "trust", "a trust of kestrel that is not withdrawn"),
        ({"trust": None}, "trust", "a trust, since that is the source"),
        ({"partner": None}, "partner", "the partner of the trust"),
        ({"source": SourceOfMapping.OWN_TOKEN}, "trust", "none: the source is own_token"),
        ({"source": SourceOfMapping.CLIENT, "trust": None}, "grants", "a client has no token"),
        (
            {"source": SourceOfMapping.OWN_TOKEN, "trust": None, "subject_claim": "email"},
            "subject_claim",
            "whom we named ourselves keeps that name",
        ),
        (
            {"source": SourceOfMapping.OWN_TOKEN, "trust": None, "partner": None, "clients": ("kestrel-settlement",)},
            "clients",
            "clients of our own, which have no partner",
        ),
        ({"target": "another"}, "target", "the name of a registered target"),
        ({"partner": "another"}, "partner", "the name of a registered partner"),
        ({"rules": (DeclaredRule(claim="a/b/c/d/e/f", operator=Operator.EXISTS),)}, "rules[0]", "nested more than 5"),
        ({"lifetime": timedelta(hours=2)}, "lifetime", "a duration from 1s to 1h"),
        ({"subject_claim": ""}, "subject_claim", "1 to 255 characters"),
        ({"position": -1}, "position", "a whole number from 0"),
        ({"condition": "claims.level"}, "condition", "true or false"),
        ({"condition": "claims.tier ="}, "condition", "not part of the language"),
        ({"condition": ""}, "condition", "an expression in CEL, 1 to 2048 bytes"),
        ({"scopes_expression": "'ledger:read'"}, "scopes_expression", "a list of text"),
        ({"claims": {"unit": "claims.tier.matches('a')"}}, "claims.unit", ".matches() is not offered"),
        ({"claims": {"Unit": "claims.unit"}}, "claims.Unit", "lower-case letters"),
        ({"claims": {"acr": "claims.acr"}}, "claims.acr", "no claim that has a meaning here"),
        ({"claims": {f"c{number}": "1" for number in range(21)}}, "claims", "at most 20 claims"),
        (
            {"scopes_expression": "scopes", "default_scopes": ("ledger:fly",)},
            "default_scopes",
            "scopes of target ledger-api",
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_its_field(
    ready: Change, fields: dict[str, Any], field: str, expected: str
) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        services.publish_mapping(ready, examples.mapping(**fields))
    assert [problem.field for problem in refused.value.problems] == [field]
    assert expected in str(refused.value)
    assert versions() == []


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_claim_that_has_a_meaning_is_never_carried_over(name: str) -> None:
    with pytest.raises(ConfigurationRefused, match="the name of a claim"):
        checking.require_right(examples.mapping(claims={name: "claims.tier"}))


def test_a_default_scope_may_come_from_an_expression(ready: Change) -> None:
    declared = examples.mapping(default_scopes=("ledger:write",), scopes_expression="scopes")
    services.publish_mapping(ready, declared)
    assert inventory.everything()[KEY].declared == declared


def test_a_change_of_an_expression_is_a_new_version(ready: Change, events: Callable[[], list[dict[str, Any]]]) -> None:
    services.publish_mapping(ready, examples.mapping(claims={"unit": "claims.unit"}))
    services.publish_mapping(ready, examples.mapping(claims={"unit": "claims.unit.trim()"}))
    assert versions() == [(1, "superseded"), (2, "published")]
    assert events()[-1]["data"]["fields"]["claims"] == {
        "old": {"unit": "claims.unit"},
        "new": {"unit": "claims.unit.trim()"},
    }


def test_the_expressions_in_force_are_those_declared(ready: Change) -> None:
    services.publish_mapping(
        ready, examples.mapping(condition="true", scopes_expression="scopes", claims={"a": "1"}, carries_login=True)
    )
    (mapping,) = next(
        issuer.mappings for partner in selectors.configuration().partners.values() for issuer in partner.issuers
    )
    assert mapping.condition == Expression(source="true", kind=ExpressionKind.CONDITION)
    assert mapping.scopes_expression == Expression(source="scopes", kind=ExpressionKind.SCOPES)
    assert mapping.claims == {"a": Expression(source="1", kind=ExpressionKind.CLAIM)}
    assert mapping.carries_login


def test_everything_that_does_not_fit_is_named_at_once(ready: Change) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        services.publish_mapping(
            ready, examples.mapping(trust="x", always=("ledger:fly",), clients=("stranger",), default_scopes=())
        )
    assert [problem.field for problem in refused.value.problems] == ["trust", "always", "clients"]


def test_another_partners_client_and_trust_are_strangers(ready: Change) -> None:
    services.register_partner(ready, examples.partner(name="fjord", title="Fjord"))
    with pytest.raises(ConfigurationRefused) as refused:
        services.publish_mapping(ready, examples.mapping(partner="fjord", clients=("kestrel-settlement",)))
    assert [problem.field for problem in refused.value.problems] == ["trust", "clients"]


def test_a_withdrawn_trust_cannot_be_mapped(ready: Change) -> None:
    services.withdraw_trust(ready, "kestrel", "kestrel-idp")
    with pytest.raises(ConfigurationRefused, match="not withdrawn"):
        services.publish_mapping(ready, examples.mapping())
