"""The sentences that must hold for every configuration and every token, not only for the examples."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from policy.claim_rules import Verdict
from policy.decision import decide
from policy.delegation import FORBIDDEN_IN_ACT, INSTALLATION_MAX_DEPTH, actors
from policy.facts import Facts, Granted, Refused
from policy.mapping import MappingSource
from policy.origin import Origin
from policy.reasons import Reason, Rule
from tests.conformance.rules import rule as cites
from tests.policy.dice import ADDED, DICE, FACTS, HISTORIES, MAPPINGS, PARTS
from tests.policy.examples import (
    ISSUER,
    NOW,
    Asked,
    make_client,
    make_facts,
    make_partner,
    ordered,
    remapped,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from policy.parties import Client
    from policy.tokens import HypotheticalToken

    Outcome = Granted[HypotheticalToken] | Refused

LAPSED = [None, make_client(is_active=False), make_client(partner=make_partner(is_active=False))]


def every(**facts: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A property over so many facts that the whole directory stays a matter of seconds."""
    return lambda test: settings(max_examples=60)(given(**facts)(test))


def outcome_of(facts: Facts[HypotheticalToken]) -> Outcome:
    return decide(facts, now=NOW)


def test_the_facts_below_lead_to_every_kind_of_answer() -> None:
    """Otherwise the properties would hold because nothing is ever granted."""
    rolled = [
        make_facts(
            mappings=tuple(DICE.choices(MAPPINGS, k=3)), **{name: DICE.choice(values) for name, values in PARTS.items()}
        )
        for _ in range(4000)
    ]
    yes = [outcome for outcome in map(outcome_of, rolled) if isinstance(outcome, Granted)]
    assert 100 < len(yes) < 3900
    assert sum(outcome.act is not None and len(outcome.scope) > 1 for outcome in yes) > 5
    assert sum(outcome.act is None and len(outcome.scope) > 1 for outcome in yes) > 5
    assert sum(len(outcome.audience) > 1 for outcome in yes) > 5


def is_no_wider(outcome: Outcome, than: Outcome) -> bool:
    """Whether one answer gives nothing the other does not give."""
    if not isinstance(outcome, Granted):
        return True
    return (
        isinstance(than, Granted)
        and outcome.scope <= than.scope
        and set(outcome.audience) <= set(than.audience)
        and outcome.expires_at <= than.expires_at
    )


@cites(49, "RFC 8693", "2.1")
@cites(48, "RFC 8693", "4.1")
@every(facts=FACTS)
def test_granted_scope_is_within_request_mapping_target_and_client(facts: Facts[HypotheticalToken]) -> None:
    outcome = outcome_of(facts)
    if isinstance(outcome, Granted):
        assert outcome.scope <= facts.client.scopes
        assert facts.request.scope is None or outcome.scope <= facts.request.scope
        assert facts.request.scope is not None or all(outcome.scope <= m.default_scopes for m in outcome.mappings)
        for mapping in outcome.mappings:
            assert outcome.scope <= mapping.ceiling(facts.subject)
            assert outcome.scope <= mapping.target.scopes.keys()


@cites(22, "RFC 8693", "2.1.1")
@every(facts=FACTS)
def test_the_audience_is_every_target_asked_for_and_never_empty(facts: Facts[HypotheticalToken]) -> None:
    outcome = outcome_of(facts)
    if isinstance(outcome, Granted):
        assert facts.client.partner is not None
        names = (*facts.request.audience, *facts.request.resource) or (facts.client.partner.default_target,)
        assert set(outcome.audience) == {facts.targets[str(name)].audience for name in names}
        assert [mapping.target.audience for mapping in outcome.mappings] == list(outcome.audience)
        assert outcome.audience


@cites(34, "RFC 8693", "2.1")
@every(facts=FACTS)
def test_a_lifetime_exceeds_no_bound_and_is_never_over(facts: Facts[HypotheticalToken]) -> None:
    outcome = outcome_of(facts)
    if isinstance(outcome, Granted):
        lengths = [facts.ceiling, *([] if facts.trust is None else [facts.trust.lifetime])]
        lengths += [length for m in outcome.mappings for length in (m.lifetime, m.target.lifetime)]
        ends = [facts.subject.expires_at, *(NOW + length for length in lengths)]
        ends += [] if facts.actor is None else [facts.actor.token.expires_at]
        assert NOW < outcome.expires_at == min(ends)


@every(facts=FACTS, later=st.integers(0, 3600))
def test_deciding_later_never_ends_later_than_the_subject_token(facts: Facts[HypotheticalToken], later: int) -> None:
    outcome = decide(facts, now=NOW + timedelta(seconds=later))
    assert not isinstance(outcome, Granted) or outcome.expires_at <= facts.subject.expires_at


@cites(48, "RFC 8693", "4.1")
@every(facts=FACTS, emptied=st.sampled_from([{"mappings": {}}, {"targets": {}}]))
def test_an_empty_configuration_grants_nothing(facts: Facts[HypotheticalToken], emptied: dict[str, Any]) -> None:
    assert not isinstance(outcome_of(replace(facts, **emptied)), Granted)


@every(facts=FACTS)
def test_a_client_without_scopes_or_a_mapping_without_grants_gives_no_scope(facts: Facts[HypotheticalToken]) -> None:
    bare = tuple(replace(mapping, grants={}, always=frozenset()) for mapping in ordered(facts))
    for poorer in (replace(facts, client=make_client(scopes=frozenset())), remapped(facts, bare)):
        outcome = outcome_of(poorer)
        assert not isinstance(outcome, Granted) or not outcome.scope


@every(facts=FACTS, added=ADDED)
def test_adding_a_rule_to_a_trust_never_widens(facts: Facts[HypotheticalToken], added: tuple[Any, ...]) -> None:
    assume(facts.trust is not None)
    assert facts.trust is not None
    stricter = replace(facts, trust=replace(facts.trust, rules=facts.trust.rules + added))
    assert is_no_wider(outcome_of(stricter), outcome_of(facts))


@every(facts=FACTS, added=ADDED, only=st.sampled_from(MAPPINGS))
def test_adding_a_rule_to_the_one_mapping_of_a_target_never_widens(
    facts: Facts[HypotheticalToken], added: tuple[Any, ...], only: Any
) -> None:
    facts = remapped(facts, (only,))
    stricter = remapped(facts, (replace(only, rules=only.rules + added),))
    assert is_no_wider(outcome_of(stricter), outcome_of(facts))


@every(facts=FACTS, added=ADDED, index=st.integers(0, 3))
def test_a_rule_added_to_a_mapping_grants_no_more_than_the_mappings_after_it(
    facts: Facts[HypotheticalToken], added: tuple[Any, ...], index: int
) -> None:
    """A token that no longer fits one mapping may fit a later one: that is what the partner's order says."""
    mappings = ordered(facts)
    if index >= len(mappings):
        return
    changed = replace(mappings[index], rules=mappings[index].rules + added)
    outcome = outcome_of(remapped(facts, (*mappings[:index], changed, *mappings[index + 1 :])))
    same, left_out = outcome_of(facts), outcome_of(remapped(facts, mappings[:index] + mappings[index + 1 :]))
    assert is_no_wider(outcome, same) or is_no_wider(outcome, left_out)


@every(facts=FACTS, some_scopes=st.frozensets(st.sampled_from("rwxyz")))
def test_asking_for_less_never_gives_more(facts: Facts[HypotheticalToken], some_scopes: frozenset[str]) -> None:
    fewer = (facts.request.scope or frozenset()) & some_scopes
    request = Asked(audience=facts.request.audience, resource=facts.request.resource, scope=fewer)
    outcome = outcome_of(replace(facts, request=request))
    assert not isinstance(outcome, Granted) or outcome.scope <= fewer


@every(facts=FACTS)
def test_a_decision_is_the_same_each_time_it_is_made(facts: Facts[HypotheticalToken]) -> None:
    assert outcome_of(facts) == outcome_of(facts)


@every(facts=FACTS)
def test_the_steps_are_in_order_and_end_at_the_rule_that_refused(facts: Facts[HypotheticalToken]) -> None:
    outcome = outcome_of(facts)
    order = [list(Rule).index(step.rule) for step in outcome.steps]
    assert order == sorted(order)
    assert outcome.steps[0].rule is Rule.TRUST_RULES
    passed = outcome.steps if isinstance(outcome, Granted) else outcome.steps[:-1]
    assert all(step.verdict in {Verdict.PASSED, Verdict.NARROWED} for step in passed)
    if not isinstance(outcome, Granted):
        assert outcome.steps[-1].verdict in {Verdict.REFUSED, Verdict.FAULT}


@cites(46, "RFC 8693", "4.1")
@cites(38, "RFC 8693", "4.1")
@every(facts=FACTS)
def test_an_issued_chain_is_short_without_loops_and_of_identities_only(facts: Facts[HypotheticalToken]) -> None:
    outcome = outcome_of(facts)
    if not isinstance(outcome, Granted):
        return
    chain = [] if outcome.act is None else list(actors(dict(outcome.act)))
    deepest = INSTALLATION_MAX_DEPTH if facts.trust is None else facts.trust.max_depth
    limits = [deepest, INSTALLATION_MAX_DEPTH, *(m.max_depth for m in outcome.mappings)]
    assert len(chain) <= min(limits) or not chain
    assert len({(actor.get("iss", facts.subject.issuer), actor["sub"]) for actor in chain}) == len(chain)
    assert not any(FORBIDDEN_IN_ACT & actor.keys() for actor in chain)


@cites(36, "RFC 8693", "1.1")
@cites(42, "RFC 8693", "4.4")
@every(facts=FACTS)
def test_leaving_the_actor_token_out_never_helps_against_may_act_or_the_mapping(
    facts: Facts[HypotheticalToken],
) -> None:
    assume(facts.source not in {MappingSource.CLIENT, MappingSource.PERSON})
    alone = replace(facts, actor=None)
    outcome = outcome_of(alone)
    if isinstance(outcome, Granted):
        may_act = facts.subject.claims.get("may_act")
        assert may_act is None or (isinstance(may_act, dict) and may_act.get("sub") == facts.client.client_id)
        assert all(mapping.allows_impersonation for mapping in outcome.mappings)
        assert outcome.act == facts.subject.claims.get("act")


@every(facts=FACTS)
def test_a_client_by_itself_acts_for_nobody_and_is_called_by_its_own_name(facts: Facts[HypotheticalToken]) -> None:
    outcome = outcome_of(replace(facts, source=MappingSource.CLIENT, trust=None))
    if isinstance(outcome, Granted):
        assert outcome.act is None
        assert outcome.subject == facts.subject.subject


@cites(47, "RFC 8693", "4.1")
@every(facts=FACTS, client=st.sampled_from(LAPSED))
def test_no_token_comes_of_one_whose_client_or_partner_ended(
    facts: Facts[HypotheticalToken], client: Client | None
) -> None:
    origin = Origin(client=client, issuer=None, is_trusted=True)
    outcome = outcome_of(replace(facts, origins=(origin,)))
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.TOKEN_REVOKED


@cites(35, "RFC 8693", "2.1")
@every(facts=FACTS, is_trusted=st.booleans())
def test_a_withdrawn_trust_ends_what_was_exchanged_under_it(
    facts: Facts[HypotheticalToken], *, is_trusted: bool
) -> None:
    origin = Origin(client=make_client(), issuer=ISSUER, is_trusted=is_trusted)
    outcome, before = outcome_of(replace(facts, origins=(origin,))), outcome_of(facts)
    assert outcome == before if is_trusted else isinstance(outcome, Refused)


@cites(40, "RFC 8693", "4.1")
@every(facts=FACTS, history=HISTORIES)
def test_who_acted_before_decides_nothing_but_depth_and_loops(
    facts: Facts[HypotheticalToken], history: dict[str, Any]
) -> None:
    plain = {name: value for name, value in facts.subject.claims.items() if name not in {"act", "may_act"}}
    with_history = replace(facts, subject=replace(facts.subject, claims={**plain, "act": history}))
    without = replace(facts, subject=replace(facts.subject, claims=plain))
    assert is_no_wider(outcome_of(with_history), outcome_of(without))
