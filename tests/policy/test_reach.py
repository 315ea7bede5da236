"""What could be had is never less than what is: the view of who reaches what, against the decision itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.decision import decide
from policy.delegation import depth
from policy.facts import Facts, Granted
from policy.mapping import MappingSource
from policy.reach import Way, ways
from tests.policy.dice import DICE, FACTS, MAPPINGS
from tests.policy.examples import (
    LEDGER,
    NOW,
    REPORTS,
    Asked,
    make_client,
    make_facts,
    make_mapping,
    make_target,
    make_token,
    make_trust,
    rule,
    scopes_by,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policy.mapping import ScopeMapping
    from policy.parties import Client
    from policy.tokens import HypotheticalToken
    from policy.trust import Trust

DAY = timedelta(days=1)


def ways_of(mappings: Iterable[ScopeMapping], client: Client, trust: Trust) -> tuple[Way, ...]:
    listed = [mapping for mapping in mappings if mapping.source is MappingSource.TRUST]
    return ways(listed, {MappingSource.TRUST: [client]}, {trust.id: trust}, ceiling=DAY)


@settings(max_examples=400)
@given(FACTS)
def test_whatever_is_granted_was_a_way(facts: Facts[HypotheticalToken]) -> None:
    """And so: where there is no way, the decision refuses."""
    trust = facts.trust or make_trust()
    facts = replace(facts, source=MappingSource.TRUST, trust=trust, origins=())
    outcome = decide(facts, now=NOW)
    if not isinstance(outcome, Granted):
        return
    tried = [mapping for mappings in facts.mappings.values() for mapping in mappings]
    open_ways = ways_of([replace(mapping, trust_id=trust.id) for mapping in tried], facts.client, trust)
    for audience in outcome.audience:
        mine = [way for way in open_ways if way.mapping.target.audience == audience]
        assert outcome.scope <= frozenset[str]().union(*(way.scopes for way in mine))
        assert outcome.expires_at - NOW <= max(way.lifetime for way in mine)
        assert depth(outcome.act) <= max(way.depth for way in mine)


def test_the_worlds_above_grant_often_enough_to_mean_something() -> None:
    granted = sum(
        isinstance(decide(make_facts(mappings=tuple(DICE.choices(MAPPINGS, k=3))), now=NOW), Granted)
        for _ in range(300)
    )
    assert granted > 50


@settings(max_examples=200)
@given(st.lists(st.sampled_from(MAPPINGS), min_size=1, max_size=5))
def test_a_certain_way_is_one_that_a_token_with_all_rights_walks(mappings: list[ScopeMapping]) -> None:
    """The other way round, where it can be said: no condition is left, so the right scopes must be enough."""
    client, trust = make_client(scopes=frozenset("rwxyz")), make_trust()
    tried = [
        replace(mapping, trust_id=trust.id, allows_impersonation=True, subject_claim="sub") for mapping in mappings
    ]
    for way in ways_of(tried, client, trust):
        first = next(mapping for mapping in tried if mapping.target.id == way.mapping.target.id)
        if not way.is_certain or not way.scopes or first is not way.mapping:
            continue
        facts = make_facts(
            mappings=tuple(tried),
            client=client,
            trust=trust,
            subject=make_token(scope=frozenset(way.mapping.grants), expires_at=NOW + DAY),
            request=Asked(audience=(way.mapping.target.audience,), scope=way.scopes),
            targets={mapping.target.audience: mapping.target for mapping in tried},
            ceiling=DAY,
        )
        outcome = decide(facts, now=NOW)
        assert isinstance(outcome, Granted)
        assert outcome.scope == way.scopes
        assert outcome.expires_at - NOW == min(way.lifetime, DAY)


def test_a_way_is_bounded_by_mapping_catalogue_and_client() -> None:
    mapping = make_mapping(grants={"settle": frozenset({"write", "gone"})}, always=frozenset({"read"}))
    (way,) = ways_of([mapping], make_client(scopes=frozenset({"write", "admin"})), make_trust())
    assert way.scopes == {"write"}
    assert way.is_certain


def test_a_mapping_behind_one_that_takes_everything_opens_nothing() -> None:
    wide = make_mapping(name="wide")
    late = make_mapping(name="late", grants={"audit": frozenset({"admin"})})
    client, trust = make_client(scopes=frozenset({"read", "write", "admin"})), make_trust()
    assert [way.mapping.name for way in ways_of([wide, late], client, trust)] == ["wide"]
    picky = replace(wide, rules=(rule("tier", "equals", "gold"),))
    assert [way.mapping.name for way in ways_of([picky, late], client, trust)] == ["wide", "late"]
    named = replace(wide, clients=frozenset({"other"}))
    assert [way.mapping.name for way in ways_of([named, late], client, trust)] == ["late"]
    elsewhere = replace(wide, target=make_target(REPORTS))
    assert [way.mapping.name for way in ways_of([elsewhere, late], client, trust)] == ["wide", "late"]


def test_an_expression_may_name_whatever_the_target_has() -> None:
    mapping = make_mapping(
        make_target(LEDGER, "rwx"),
        grants={},
        always=frozenset(),
        scopes_expression=scopes_by("claims.roles.map(r, string(r))"),
    )
    (way,) = ways_of([mapping], make_client(scopes=frozenset("rw")), make_trust())
    assert way.scopes == {"r", "w"}
    assert not way.is_certain


def test_a_trust_that_is_not_in_force_opens_nothing() -> None:
    mapping = make_mapping()
    assert ways([mapping], {MappingSource.TRUST: [make_client()]}, {}, ceiling=DAY) == ()
    assert ways([mapping], {MappingSource.CLIENT: [make_client()]}, {make_trust().id: make_trust()}, ceiling=DAY) == ()
