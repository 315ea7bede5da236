"""What a decision says at each step, word by word, and where its limits are: admins see why from nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from policy.claim_rules import Verdict
from policy.facts import Actor, Refused
from policy.guards import Refusal
from policy.mapping import MappingSource
from policy.origin import Origin
from policy.reasons import Reason, Rule, Step, shown
from tests.conformance.rules import rule as cites
from tests.policy.examples import (
    ACTORS,
    ISSUER,
    LEDGER,
    NOW,
    REPORTS,
    Asked,
    catalogue,
    claim,
    granted,
    make_client,
    make_facts,
    make_mapping,
    make_partner,
    make_target,
    make_token,
    make_trust,
    refused,
    rule,
    scopes_by,
    with_actor,
)
from tests.policy.refusals import FAULTY, GOLD, NEEDS_LIST, REFUSALS, SILVER

if TYPE_CHECKING:
    from policy.facts import Facts
    from policy.tokens import HypotheticalToken

ANY: Final = rule("sub", "exists")
OTHER: Final = "https://other.example"
NO_LEVEL: Final = 'could not be evaluated: NOT_FOUND: Key not found in map : "level"'
PRINTABLE: Final = "1 to 255 printable characters"
IN_CHAIN: Final = {"sub": "gateway", "iss": ISSUER}
NEW_ACTOR: Final = {"sub": "gateway", "iss": ISSUER, "client_id": "gateway"}

TOLD: Final[dict[str, tuple[str, object]]] = {
    "a rule of the trust that the token does not meet": ("tier equals silver", "gold"),
    "a rule of the actor's trust that the actor token does not meet": ("tier equals silver", "gold"),
    "a rule of the trust that cannot be evaluated": ("tier contains gold", {"gold": True}),
    "no target, and no default": ("an audience, a resource or a default target", None),
    "a target nobody registered": ("a registered target", OTHER),
    "a known target beside an unknown one": ("a registered target", OTHER),
    "a target in another case": ("a registered target", LEDGER.upper()),
    "a target with a slash after it": ("a registered target", f"{LEDGER}/"),
    "two targets that want tokens of different formats": (
        "targets with one token format",
        "ledger jwt; reports reference",
    ),
    "a real target, and the client's partner is not activated": (
        "a test target: partner kestrel is not activated yet",
        "ledger",
    ),
    "no mapping at all": ("a published mapping to ledger", None),
    "a mapping for another target only": ("a published mapping to reports", None),
    "a mapping for one of two targets only": ("a published mapping to reports", None),
    "a mapping for other clients only": ("a published mapping to ledger", None),
    "a mapping for no client": ("a published mapping to ledger", None),
    "a condition of the only mapping that is not met": ("mapping v1: tier equals silver", "gold"),
    "a condition that cannot be evaluated, before a mapping that would do": (
        "mapping v1: tier contains gold",
        {"gold": True},
    ),
    "an expression of the only mapping that is false": ("mapping v1: claims.tier == 'silver'", "false"),
    "an expression that cannot be evaluated, before a mapping that would do": (
        "mapping v1: condition claims.level > 3",
        NO_LEVEL,
    ),
    "scopes that cannot be worked out, beside scopes that every token gets": (
        "mapping v1: scopes_expression [string(claims.level)]",
        NO_LEVEL,
    ),
    "a claim to be carried over that is not there": ("mapping v1: level claims.level", NO_LEVEL),
    "a claim to be carried over under a name that means something": (
        "mapping v1: no claim that has a meaning here",
        "acr",
    ),
    "two targets whose mappings carry over different claims": (
        "mappings that carry over the same claims",
        "level; level",
    ),
    "no actor token where delegation is required": ("an actor token", None),
    "no actor token where one of two mappings requires it": ("an actor token", None),
    "an actor whom may_act does not name": ("may_act {'sub': 'other'}", "gateway"),
    "no actor token, and may_act names somebody else than the client": ("may_act {'sub': 'other'}", "gateway"),
    "a may_act that names nobody": ("may_act {}", "gateway"),
    "a may_act that is text": ("may_act gateway", "gateway"),
    "an actor token that belongs to somebody else": ("an actor token of gateway", "peer"),
    "may_act beside act": ("may_act or act, not both", "both"),
    "an act that is text": ("act must be an object with a sub", "x"),
    "an act with an expiry": ("act holds identity claims only", {"sub": "x", "exp": 1}),
    "a chain deeper than the trust allows": ("depth at most 1", "depth 2"),
    "a chain deeper than the mapping allows": ("depth at most 0", "depth 1"),
    "a chain deeper than the installation allows": ("depth at most 4", "depth 5"),
    "an inherited chain that is too deep, and no actor token": ("depth at most 1", "depth 2"),
    "an actor who is in the chain already": (
        "each actor once",
        {**NEW_ACTOR, "act": {"sub": "x", "act": IN_CHAIN}},
    ),
    "an actor who is in the chain already, named without the issuer they share": (
        "each actor once",
        {**NEW_ACTOR, "act": {"sub": "x", "act": {"sub": "gateway"}}},
    ),
    "a scope no target knows": ("scopes of the target's catalogue", "fly"),
    "a scope the token does not lead to": ("read", "write"),
    "a scope the client may not have": ("no scope", "read"),
    "a scope of the catalogue that no mapping grants": ("no scope", "admin"),
    "a subject token that ends now": ("at least one second left", "ended by subject token"),
    "a subject token that ended within the leeway": ("at least one second left", "ended by subject token"),
    "an actor token that ended within the leeway": ("at least one second left", "ended by actor token"),
    "mappings that name different subjects": ("mappings that name the same subject", "several"),
    "a subject claim that is absent": (f"claim employee: {PRINTABLE}", None),
    "a subject claim that is a number": (f"claim employee: {PRINTABLE}", 7),
    "a subject with a line break": (f"claim sub: {PRINTABLE}", "a\nb"),
    "a subject of 256 characters": (f"claim sub: {PRINTABLE}", "a" * 256),
}


def test_every_refusal_has_its_words() -> None:
    assert TOLD.keys() == REFUSALS.keys()


@pytest.mark.parametrize("case", TOLD)
def test_a_refusal_is_told_in_words(case: str) -> None:
    facts, reason, at = REFUSALS[case]
    expected, received = TOLD[case]
    *before, last = refused(facts).steps
    verdict = Verdict.FAULT if reason.endswith("_fault") else Verdict.REFUSED
    assert last == Step(at, verdict, expected, shown(received))
    assert {step.verdict for step in before} <= {Verdict.PASSED}


PLAIN: Final[dict[Rule, tuple[str, str]]] = {
    Rule.TRUST_RULES: ("", ""),
    Rule.TARGET: ("a registered target", LEDGER),
    Rule.MAPPING: ("ledger", "mapping v1"),
    Rule.DELEGATION: ("impersonation allowed", "no actor token"),
    Rule.SCOPE: ("read", "read"),
    Rule.SUBJECT: ("sub", "partner:kestrel:user-1"),
    Rule.LIFETIME: ("bounded by mapping", "600 s"),
}
BOTH: Final = Asked(audience=(LEDGER, REPORTS))


def two(first: dict[str, Any], second: dict[str, Any], **changes: Any) -> Facts[HypotheticalToken]:
    """A request for two targets, each with its mapping."""
    mappings = make_mapping(**first), make_mapping(make_target(REPORTS, ("read",)), name="two", **second)
    return make_facts(request=BOTH, mappings=mappings, **changes)


def ending_after(**spans: int) -> dict[str, Any]:
    """What bounds a lifetime, in seconds, where it is not what it is elsewhere."""
    target = make_target(lifetime=timedelta(seconds=spans.get("target", 900)))
    actor = make_token("gateway", issuer=ACTORS, expires_at=NOW + timedelta(seconds=spans.get("actor", 1200)))
    return {
        "targets": catalogue(target),
        "mappings": (make_mapping(target, lifetime=timedelta(seconds=spans.get("mapping", 600))),),
        "trust": make_trust(lifetime=timedelta(seconds=spans.get("trust", 600))),
        "ceiling": timedelta(seconds=spans.get("installation", 900)),
        "subject": make_token(expires_at=NOW + timedelta(seconds=spans.get("subject", 1200))),
        "actor": Actor(token=actor, trust=make_trust(issuer=ACTORS)),
    }


OURS: Final = {Rule.TRUST_RULES: ("issued by ourselves", ""), Rule.SUBJECT: ("as we named it", "user-1")}
ACTING: Final = {Rule.DELEGATION: ("depth at most 4", "gateway, depth 1")}


def after(chain: dict[str, Any]) -> HypotheticalToken:
    """A subject token that says who acted before."""
    return make_token(claims={"act": chain})


HELD: Final[dict[str, tuple[Facts[HypotheticalToken], dict[Rule, tuple[str, str]]]]] = {
    "as it is": (make_facts(), {}),
    "with an actor": (with_actor(), ACTING),
    "with an actor after others, as deep as the least limit": (
        with_actor(subject=after({"sub": "x", "act": {"sub": "y"}}), mappings=(make_mapping(max_depth=3),)),
        {Rule.DELEGATION: ("depth at most 3", "gateway, depth 3")},
    ),
    "with actors before and none now": (
        make_facts(subject=after({"sub": "x", "act": {"sub": "y"}}), trust=make_trust(max_depth=2)),
        {Rule.DELEGATION: ("depth at most 2", "x, depth 2")},
    ),
    "of a client by itself": (
        make_facts(source=MappingSource.CLIENT),
        {**OURS, Rule.DELEGATION: ("the subject's own request", "client")},
    ),
    "of a person": (
        make_facts(source=MappingSource.PERSON),
        {**OURS, Rule.DELEGATION: ("the subject's own request", "person")},
    ),
    "of a token of ours, under no trust": (
        make_facts(source=MappingSource.OWN_TOKEN, subject=after({"sub": "x"}), mappings=(make_mapping(max_depth=9),)),
        {**OURS, Rule.DELEGATION: ("depth at most 4", "x, depth 1")},
    ),
    "by rules that hold": (
        make_facts(trust=make_trust(rules=(GOLD, ANY)), mappings=(make_mapping(rules=(GOLD,)),)),
        {Rule.TRUST_RULES: ("tier equals gold; sub exists", "")},
    ),
    "by the default target": (
        make_facts(request=Asked(audience=()), client=make_client(partner=make_partner(default_target=LEDGER))),
        {},
    ),
    "by two names of one target": (make_facts(request=Asked(resource=(f"{LEDGER}/v1",))), {}),
    "with a subject from another claim": (
        make_facts(mappings=(make_mapping(subject_claim="tier"),)),
        {Rule.SUBJECT: ("tier", "partner:kestrel:gold")},
    ),
    "with the longest subject": (
        make_facts(subject=make_token("a" * 255)),
        {Rule.SUBJECT: ("sub", shown("partner:kestrel:" + "a" * 255))},
    ),
    "with the shortest subject": (
        make_facts(subject=make_token("a")),
        {Rule.SUBJECT: ("sub", "partner:kestrel:a")},
    ),
    "with every scope that was asked for": (
        make_facts(request=Asked(scope=frozenset({"write", "read"}))),
        {Rule.SCOPE: ("read write", "read write")},
    ),
    "with no scope, since none was asked for": (
        make_facts(request=Asked(scope=frozenset())),
        {Rule.SCOPE: ("", "")},
    ),
    "with scopes that an expression adds": (
        make_facts(
            request=Asked(scope=frozenset({"read", "write"})),
            subject=make_token(scope=frozenset()),
            mappings=(make_mapping(scopes_expression=scopes_by("['write', 'fly']")),),
        ),
        {Rule.SCOPE: ("read write", "read write")},
    ),
    "bounded by the installation": (
        make_facts(**ending_after(installation=60)),
        ACTING | {Rule.LIFETIME: ("bounded by installation", "60 s")},
    ),
    "bounded by the target": (
        make_facts(**ending_after(target=60)),
        ACTING | {Rule.LIFETIME: ("bounded by target", "60 s")},
    ),
    "bounded by the trust": (
        make_facts(**ending_after(trust=60)),
        ACTING | {Rule.LIFETIME: ("bounded by trust", "60 s")},
    ),
    "bounded by the subject token, with one second left": (
        make_facts(**ending_after(subject=1)),
        ACTING | {Rule.LIFETIME: ("bounded by subject token", "1 s")},
    ),
    "bounded by the actor token": (
        make_facts(**ending_after(actor=60)),
        ACTING | {Rule.LIFETIME: ("bounded by actor token", "60 s")},
    ),
}


@pytest.mark.parametrize(("facts", "changed"), HELD.values(), ids=HELD.keys())
def test_what_is_granted_is_told_in_words(
    facts: Facts[HypotheticalToken], changed: dict[Rule, tuple[str, str]]
) -> None:
    outcome = granted(facts)
    assert outcome.steps == tuple(Step(at, Verdict.PASSED, *words) for at, words in (PLAIN | changed).items())
    assert (PLAIN | changed)[Rule.LIFETIME][1] == f"{(outcome.expires_at - NOW).total_seconds():.0f} s"
    assert shown(outcome.subject) == next(step.received for step in outcome.steps if step.rule is Rule.SUBJECT)


@cites(25, "RFC 8693", "2.1")
def test_a_scope_that_is_cut_is_told_beside_what_was_wanted() -> None:
    facts = make_facts(
        request=Asked(scope=frozenset({"write", "read"})), client=make_client(scopes=frozenset({"read"}))
    )
    step = next(step for step in granted(facts).steps if step.rule is Rule.SCOPE)
    assert step == Step(Rule.SCOPE, Verdict.NARROWED, "read", "read write")


@cites(22, "RFC 8693", "2.1.1")
def test_two_targets_are_told_each_with_its_mapping() -> None:
    steps = granted(two({}, {"grants": {"settle": frozenset({"read"})}})).steps
    assert steps[1:4] == (
        Step(Rule.TARGET, Verdict.PASSED, "a registered target", f"{LEDGER} {REPORTS}"),
        Step(Rule.MAPPING, Verdict.PASSED, "ledger", "mapping v1"),
        Step(Rule.MAPPING, Verdict.PASSED, "reports", "two v1"),
    )


@cites(22, "RFC 8693", "2.1.1")
def test_of_two_targets_the_shortest_life_and_the_least_depth_hold() -> None:
    short = {"lifetime": timedelta(minutes=2), "max_depth": 1}
    actor = Actor(token=make_token("gateway", issuer=ACTORS), trust=make_trust(issuer=ACTORS))
    for facts in (two(short, {}, actor=actor), two({}, short, actor=actor)):
        outcome = granted(facts)
        assert outcome.expires_at == NOW + timedelta(minutes=2)
        assert Step(Rule.DELEGATION, Verdict.PASSED, "depth at most 1", "gateway, depth 1") in outcome.steps


def test_a_client_of_nobody_has_no_default_target_and_several_unknown_scopes_are_told_in_order() -> None:
    alone = make_facts(request=Asked(audience=()), client=make_client(partner=None))
    assert refused(alone).reason is Reason.TARGET_MISSING
    several = make_facts(request=Asked(scope=frozenset({"read", "fly", "dive"})))
    assert refused(several).steps[-1].received == "dive fly"


def test_the_subject_is_whom_the_token_was_established_to_be_about() -> None:
    respelled = make_token("user-1", claims={"sub": "user-2", "tier": "user-3"})
    assert granted(make_facts(subject=respelled)).subject == "partner:kestrel:user-1"


def test_a_refusal_reads_as_its_reason() -> None:
    step = Step(Rule.TARGET, Verdict.REFUSED)
    assert str(Refusal(Reason.TARGET_UNKNOWN, step)) == "policy.target_unknown"


@cites(34, "RFC 8693", "2.1")
def test_a_token_lives_for_a_whole_second_or_not_at_all() -> None:
    almost = make_token(expires_at=NOW + timedelta(microseconds=999_999))
    assert refused(make_facts(subject=almost)).reason is Reason.LIFETIME_EXHAUSTED
    assert granted(make_facts(subject=make_token(expires_at=NOW + timedelta(seconds=1)))).expires_at > NOW


def test_of_several_mappings_that_miss_the_last_one_is_told_and_later_ones_may_hold() -> None:
    bronze = make_mapping(name="bronze", rules=(GOLD,), condition=None)
    silver = make_mapping(name="silver", rules=(SILVER,))
    elsewhere = make_mapping(name="elsewhere", clients=frozenset({"other"}))
    copper = make_token(claims={"tier": "copper"})
    told = refused(make_facts(mappings=(bronze, silver, elsewhere), subject=copper)).steps[-1]
    assert told == Step(Rule.MAPPING, Verdict.REFUSED, "silver v1: tier equals silver", "copper")
    chosen = granted(make_facts(mappings=(elsewhere, silver, bronze, make_mapping(name="rest"))))
    assert chosen.steps[2] == Step(Rule.MAPPING, Verdict.PASSED, "ledger", "bronze v1")
    ours = make_mapping(name="ours", clients=frozenset({"gateway"}))
    assert granted(make_facts(mappings=(elsewhere, ours))).mappings == (ours,)


def test_rules_of_the_subjects_trust_and_of_the_actors_are_each_held_against_their_own_token() -> None:
    named = make_trust(rules=(SILVER,), issuer=ACTORS)
    silver = make_token("gateway", issuer=ACTORS, claims={"tier": "silver"})
    assert granted(with_actor(silver, named, trust=make_trust(rules=(GOLD,)))).act is not None
    assert refused(with_actor(silver, make_trust(rules=(GOLD,)))).steps[-1].received == "silver"
    spoilt = make_token("gateway", issuer=ACTORS, claims=NEEDS_LIST)
    assert refused(with_actor(spoilt, make_trust(rules=(FAULTY,)))).reason is Reason.TRUST_RULE_FAULT


@cites(45, "RFC 8693", "4.4")
def test_an_actor_token_of_ours_is_the_clients_own_or_nobodys() -> None:
    ours = Actor(token=make_token("user-7", claims={"client_id": "gateway"}), trust=None)
    assert granted(make_facts(actor=ours)).act == {"sub": "user-7", "iss": ISSUER, "client_id": "gateway"}
    theirs = make_facts(actor=Actor(token=make_token("user-7", claims={"client_id": "other"}), trust=None))
    step = Step(Rule.DELEGATION, Verdict.REFUSED, "an actor token of gateway", "user-7")
    assert refused(theirs).steps[-1] == step


@cites(42, "RFC 8693", "4.4")
def test_may_act_is_held_against_each_member_of_the_actor() -> None:
    named = {"sub": "gateway", "iss": ACTORS, "client_id": "gateway"}
    assert granted(with_actor(subject=make_token(claims={"may_act": named}))).act == named
    for member in named:
        other = make_token(claims={"may_act": {**named, member: "other"}})
        assert refused(with_actor(subject=other)).steps[-1].received == "gateway"
    own = {"sub": "gateway", "client_id": "gateway"}
    assert granted(make_facts(subject=make_token(claims={"may_act": own}))).act is None
    before = make_token(claims={"may_act": own, "act": {"sub": "x"}})
    assert granted(make_facts(source=MappingSource.OWN_TOKEN, subject=before)).act == {"sub": "x"}


@pytest.mark.parametrize("name", ["", 7, "a\nb", "a" * 256, None], ids=["empty", "number", "lines", "long", "none"])
def test_a_name_that_will_not_do_is_told(name: Any) -> None:
    facts = make_facts(mappings=(make_mapping(subject_claim="alias"),), subject=make_token(claims={"alias": name}))
    outcome = refused(facts)
    step = Step(Rule.SUBJECT, Verdict.REFUSED, f"claim alias: {PRINTABLE}", shown(name))
    assert (outcome.reason, outcome.steps[-1]) == (Reason.SUBJECT_UNUSABLE, step)


GONE: Final[dict[str, tuple[Origin, str, str]]] = {
    "its client is gone": (Origin(client=None, issuer=None, is_trusted=True), "an active client", "none"),
    "its client is suspended": (
        Origin(client=make_client(is_active=False), issuer=None, is_trusted=True),
        "an active client",
        "gateway",
    ),
    "its partner is suspended": (
        Origin(client=make_client(partner=make_partner(is_active=False)), issuer=None, is_trusted=True),
        "an active partner",
        "kestrel",
    ),
    "the trust behind it is withdrawn": (
        Origin(client=make_client(), issuer=ISSUER, is_trusted=False),
        "a trust in force",
        ISSUER,
    ),
}
STANDING: Final = (
    Origin(client=make_client(), issuer=ISSUER, is_trusted=True),
    Origin(client=make_client(), issuer=None, is_trusted=False),
    Origin(client=make_client(partner=None), issuer=ISSUER, is_trusted=False),
)


@cites(47, "RFC 8693", "4.1")
@pytest.mark.parametrize("gone", GONE)
def test_what_ended_behind_a_token_of_ours_is_told_before_anything_else(gone: str) -> None:
    origin, expected, received = GONE[gone]
    assert origin.lapse() == (expected, received)
    told = Refused(reason=Reason.TOKEN_REVOKED, steps=(Step(Rule.TRUST_RULES, Verdict.REFUSED, expected, received),))
    facts = REFUSALS["a rule of the trust that the token does not meet"][0]
    assert refused(make_facts(origins=(*STANDING, origin))) == told
    assert refused(make_facts(origins=(origin,), trust=facts.trust)) == told


def test_what_still_stands_behind_a_token_changes_nothing() -> None:
    assert [origin.lapse() for origin in STANDING] == [None, None, None]
    assert granted(make_facts(origins=STANDING)) == granted(make_facts())


def test_what_was_decided_is_granted_whole() -> None:
    carrying = make_mapping(claims={"level": claim("claims.tier")}, carries_login=True)
    subject = make_token(claims={"acr": "high"})
    facts = with_actor(request=Asked(scope=frozenset({"read", "write"})), mappings=(carrying,), subject=subject)
    outcome = granted(facts)
    assert (outcome.token, outcome.audience, outcome.mappings) == (facts.subject, (LEDGER,), (carrying,))
    assert outcome.scope == {"read", "write"}
    assert outcome.claims == {"level": "gold", "acr": "high"}
    assert outcome.token_format is make_target().token_format
    assert outcome.act == {"sub": "gateway", "iss": ACTORS, "client_id": "gateway"}
