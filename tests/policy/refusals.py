"""One example of each way in which a decision refuses, by what is wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from policy.parties import TokenFormat
from policy.reasons import Reason, Rule
from tests.policy.examples import (
    ISSUER,
    LEDGER,
    NOW,
    REPORTS,
    Asked,
    catalogue,
    claim,
    condition,
    make_client,
    make_facts,
    make_mapping,
    make_partner,
    make_target,
    make_token,
    make_trust,
    rule,
    scopes_by,
    with_actor,
)

if TYPE_CHECKING:
    from policy.facts import Facts
    from policy.tokens import HypotheticalToken

GOLD = rule("tier", "equals", "gold")
SILVER = rule("tier", "equals", "silver")
FAULTY = rule("tier", "contains", "gold")
NEEDS_LIST = {"tier": {"gold": True}}
PEER = make_token("peer", issuer=ISSUER)
DISAGREEING = (
    make_mapping(name="one", always=frozenset({"read"})),
    make_mapping(make_target(REPORTS, ("read",)), name="two", subject_claim="tier"),
)
REHEARSING = make_partner(is_active=False, is_rehearsing=True)
REFERRING = make_target(REPORTS, token_format=TokenFormat.REFERENCE)
CARRYING = (
    make_mapping(name="one", claims={"level": claim("1")}),
    make_mapping(make_target(REPORTS, ("read",)), name="two", claims={"level": claim("true")}),
)

REFUSALS: dict[str, tuple[Facts[HypotheticalToken], Reason, Rule]] = {
    "a rule of the trust that the token does not meet": (
        make_facts(trust=make_trust(rules=(SILVER,))),
        Reason.TRUST_RULE_UNMET,
        Rule.TRUST_RULES,
    ),
    "a rule of the actor's trust that the actor token does not meet": (
        with_actor(vouched=make_trust(rules=(SILVER,))),
        Reason.TRUST_RULE_UNMET,
        Rule.TRUST_RULES,
    ),
    "a rule of the trust that cannot be evaluated": (
        make_facts(trust=make_trust(rules=(FAULTY,)), subject=make_token(claims=NEEDS_LIST)),
        Reason.TRUST_RULE_FAULT,
        Rule.TRUST_RULES,
    ),
    "no target, and no default": (make_facts(request=Asked(audience=())), Reason.TARGET_MISSING, Rule.TARGET),
    "a target nobody registered": (
        make_facts(request=Asked(audience=("https://other.example",))),
        Reason.TARGET_UNKNOWN,
        Rule.TARGET,
    ),
    "a known target beside an unknown one": (
        make_facts(request=Asked(audience=(LEDGER, "https://other.example"))),
        Reason.TARGET_UNKNOWN,
        Rule.TARGET,
    ),
    "a target in another case": (
        make_facts(request=Asked(audience=(LEDGER.upper(),))),
        Reason.TARGET_UNKNOWN,
        Rule.TARGET,
    ),
    "a target with a slash after it": (
        make_facts(request=Asked(resource=(LEDGER + "/",))),
        Reason.TARGET_UNKNOWN,
        Rule.TARGET,
    ),
    "two targets that want tokens of different formats": (
        make_facts(request=Asked(audience=(LEDGER, REPORTS)), targets=catalogue(make_target(), REFERRING)),
        Reason.TARGETS_DISAGREE,
        Rule.TARGET,
    ),
    "a real target, and the client's partner is not activated": (
        make_facts(client=make_client(partner=REHEARSING)),
        Reason.PARTNER_NOT_ACTIVATED,
        Rule.TARGET,
    ),
    "no mapping at all": (make_facts(mappings=()), Reason.TARGET_NOT_MAPPED, Rule.MAPPING),
    "a mapping for another target only": (
        make_facts(request=Asked(audience=(REPORTS,))),
        Reason.TARGET_NOT_MAPPED,
        Rule.MAPPING,
    ),
    "a mapping for one of two targets only": (
        make_facts(request=Asked(audience=(LEDGER, REPORTS))),
        Reason.TARGET_NOT_MAPPED,
        Rule.MAPPING,
    ),
    "a mapping for other clients only": (
        make_facts(mappings=(make_mapping(clients=frozenset({"other"})),)),
        Reason.TARGET_NOT_MAPPED,
        Rule.MAPPING,
    ),
    "a mapping for no client": (
        make_facts(mappings=(make_mapping(clients=frozenset()),)),
        Reason.TARGET_NOT_MAPPED,
        Rule.MAPPING,
    ),
    "a condition of the only mapping that is not met": (
        make_facts(mappings=(make_mapping(rules=(SILVER,)),)),
        Reason.MAPPING_RULE_UNMET,
        Rule.MAPPING,
    ),
    "a condition that cannot be evaluated, before a mapping that would do": (
        make_facts(mappings=(make_mapping(rules=(FAULTY,)), make_mapping()), subject=make_token(claims=NEEDS_LIST)),
        Reason.MAPPING_RULE_FAULT,
        Rule.MAPPING,
    ),
    "an expression of the only mapping that is false": (
        make_facts(mappings=(make_mapping(condition=condition("claims.tier == 'silver'")),)),
        Reason.MAPPING_RULE_UNMET,
        Rule.MAPPING,
    ),
    "an expression that cannot be evaluated, before a mapping that would do": (
        make_facts(mappings=(make_mapping(condition=condition("claims.level > 3")), make_mapping())),
        Reason.MAPPING_RULE_FAULT,
        Rule.MAPPING,
    ),
    "scopes that cannot be worked out, beside scopes that every token gets": (
        make_facts(mappings=(make_mapping(scopes_expression=scopes_by("[string(claims.level)]")),)),
        Reason.MAPPING_RULE_FAULT,
        Rule.SCOPE,
    ),
    "a claim to be carried over that is not there": (
        make_facts(mappings=(make_mapping(claims={"level": claim("claims.level")}),)),
        Reason.MAPPING_RULE_FAULT,
        Rule.MAPPING,
    ),
    "a claim to be carried over under a name that means something": (
        make_facts(mappings=(make_mapping(claims={"acr": claim("claims.tier")}),)),
        Reason.MAPPING_RULE_FAULT,
        Rule.MAPPING,
    ),
    "two targets whose mappings carry over different claims": (
        make_facts(request=Asked(audience=(LEDGER, REPORTS)), mappings=CARRYING),
        Reason.TARGETS_DISAGREE,
        Rule.MAPPING,
    ),
    "no actor token where delegation is required": (
        make_facts(mappings=(make_mapping(allows_impersonation=False),)),
        Reason.ACTOR_REQUIRED,
        Rule.DELEGATION,
    ),
    "no actor token where one of two mappings requires it": (
        make_facts(
            request=Asked(audience=(LEDGER, REPORTS)),
            mappings=(make_mapping(), make_mapping(make_target(REPORTS), allows_impersonation=False)),
        ),
        Reason.ACTOR_REQUIRED,
        Rule.DELEGATION,
    ),
    "an actor whom may_act does not name": (
        with_actor(subject=make_token(claims={"may_act": {"sub": "other"}})),
        Reason.ACTOR_NOT_NAMED,
        Rule.DELEGATION,
    ),
    "no actor token, and may_act names somebody else than the client": (
        make_facts(subject=make_token(claims={"may_act": {"sub": "other"}})),
        Reason.ACTOR_NOT_NAMED,
        Rule.DELEGATION,
    ),
    "a may_act that names nobody": (
        make_facts(subject=make_token(claims={"may_act": {}})),
        Reason.ACTOR_NOT_NAMED,
        Rule.DELEGATION,
    ),
    "a may_act that is text": (
        make_facts(subject=make_token(claims={"may_act": "gateway"})),
        Reason.ACTOR_NOT_NAMED,
        Rule.DELEGATION,
    ),
    "an actor token that belongs to somebody else": (with_actor(PEER), Reason.ACTOR_FOREIGN, Rule.DELEGATION),
    "may_act beside act": (
        make_facts(subject=make_token(claims={"may_act": {"sub": "gateway"}, "act": {"sub": "x"}})),
        Reason.CHAIN_REFUSED,
        Rule.DELEGATION,
    ),
    "an act that is text": (make_facts(subject=make_token(claims={"act": "x"})), Reason.CHAIN_REFUSED, Rule.DELEGATION),
    "an act with an expiry": (
        make_facts(subject=make_token(claims={"act": {"sub": "x", "exp": 1}})),
        Reason.CHAIN_REFUSED,
        Rule.DELEGATION,
    ),
    "a chain deeper than the trust allows": (
        with_actor(subject=make_token(claims={"act": {"sub": "x"}}), trust=make_trust(max_depth=1)),
        Reason.CHAIN_TOO_DEEP,
        Rule.DELEGATION,
    ),
    "a chain deeper than the mapping allows": (
        with_actor(mappings=(make_mapping(max_depth=0),)),
        Reason.CHAIN_TOO_DEEP,
        Rule.DELEGATION,
    ),
    "a chain deeper than the installation allows": (
        with_actor(
            subject=make_token(
                claims={"act": {"sub": "1", "act": {"sub": "2", "act": {"sub": "3", "act": {"sub": "4"}}}}}
            ),
            trust=make_trust(max_depth=9),
            mappings=(make_mapping(max_depth=9),),
        ),
        Reason.CHAIN_TOO_DEEP,
        Rule.DELEGATION,
    ),
    "an inherited chain that is too deep, and no actor token": (
        make_facts(
            subject=make_token(claims={"act": {"sub": "1", "act": {"sub": "2"}}}), trust=make_trust(max_depth=1)
        ),
        Reason.CHAIN_TOO_DEEP,
        Rule.DELEGATION,
    ),
    "an actor who is in the chain already": (
        with_actor(
            make_token("gateway"),
            subject=make_token(claims={"act": {"sub": "x", "act": {"sub": "gateway", "iss": ISSUER}}}),
        ),
        Reason.CHAIN_LOOP,
        Rule.DELEGATION,
    ),
    "an actor who is in the chain already, named without the issuer they share": (
        with_actor(make_token("gateway"), subject=make_token(claims={"act": {"sub": "x", "act": {"sub": "gateway"}}})),
        Reason.CHAIN_LOOP,
        Rule.DELEGATION,
    ),
    "a scope no target knows": (
        make_facts(request=Asked(scope=frozenset({"read", "fly"}))),
        Reason.SCOPE_UNKNOWN,
        Rule.SCOPE,
    ),
    "a scope the token does not lead to": (
        make_facts(request=Asked(scope=frozenset({"write"})), subject=make_token(scope=frozenset())),
        Reason.SCOPE_NOT_GRANTED,
        Rule.SCOPE,
    ),
    "a scope the client may not have": (
        make_facts(request=Asked(scope=frozenset({"read"})), client=make_client(scopes=frozenset())),
        Reason.SCOPE_NOT_GRANTED,
        Rule.SCOPE,
    ),
    "a scope of the catalogue that no mapping grants": (
        make_facts(request=Asked(scope=frozenset({"admin"})), client=make_client(scopes=frozenset({"admin"}))),
        Reason.SCOPE_NOT_GRANTED,
        Rule.SCOPE,
    ),
    "a subject token that ends now": (
        make_facts(subject=make_token(expires_at=NOW)),
        Reason.LIFETIME_EXHAUSTED,
        Rule.LIFETIME,
    ),
    "a subject token that ended within the leeway": (
        make_facts(subject=make_token(expires_at=NOW - timedelta(seconds=20))),
        Reason.LIFETIME_EXHAUSTED,
        Rule.LIFETIME,
    ),
    "an actor token that ended within the leeway": (
        with_actor(make_token("gateway", expires_at=NOW)),
        Reason.LIFETIME_EXHAUSTED,
        Rule.LIFETIME,
    ),
    "mappings that name different subjects": (
        make_facts(
            request=Asked(audience=(LEDGER, REPORTS)),
            mappings=DISAGREEING,
        ),
        Reason.TARGETS_DISAGREE,
        Rule.SUBJECT,
    ),
    "a subject claim that is absent": (
        make_facts(mappings=(make_mapping(subject_claim="employee"),)),
        Reason.SUBJECT_UNUSABLE,
        Rule.SUBJECT,
    ),
    "a subject claim that is a number": (
        make_facts(mappings=(make_mapping(subject_claim="employee"),), subject=make_token(claims={"employee": 7})),
        Reason.SUBJECT_UNUSABLE,
        Rule.SUBJECT,
    ),
    "a subject with a line break": (make_facts(subject=make_token("a\nb")), Reason.SUBJECT_UNUSABLE, Rule.SUBJECT),
    "a subject of 256 characters": (make_facts(subject=make_token("a" * 256)), Reason.SUBJECT_UNUSABLE, Rule.SUBJECT),
}
