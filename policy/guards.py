"""The guards of a decision, one function each, in the order ``decide`` calls them.

A guard appends its step and returns what it established, or raises ``Refusal``, which ``decide`` turns into a value.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from policy import delegation
from policy.claim_rules import Verdict
from policy.expressions import ExpressionFault
from policy.mapping import MappingSource
from policy.reasons import Reason, Rule, Step, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from policy.expressions import Expression, Result, Variables
    from policy.facts import Facts, T
    from policy.mapping import ScopeMapping
    from policy.parties import Target
    from policy.tokens import JSON, TokenFacts
    from policy.trust import Trust

Mappings = tuple["ScopeMapping", ...]
Steps = list[Step]

SHORTEST_LIFETIME: Final = timedelta(seconds=1)
MAX_SUBJECT_LENGTH: Final = 255
_PRESENT: Final = frozenset({MappingSource.CLIENT, MappingSource.PERSON})
"""Sources where no token vouches: the subject itself was authenticated."""


class Bound(NamedTuple):
    """How long a token may live at most, and what says so."""

    name: str
    span: timedelta


class Refusal(Exception):
    """Carries the reason and the refusing step; never leaves this package."""

    def __init__(self, reason: Reason, step: Step) -> None:
        super().__init__(reason)
        self.reason = reason
        self.step = step


def _refuse(reason: Reason, rule: Rule, expected: str, received: object) -> Refusal:
    return Refusal(reason, Step(rule, Verdict.REFUSED, expected, shown(received)))


def stand(facts: Facts[T]) -> None:
    """The tokens of ours that the request rests on come from a client, a partner and a trust still in force."""
    for origin in facts.origins:
        lapse = origin.lapse()
        if lapse is not None:
            raise _refuse(Reason.TOKEN_REVOKED, Rule.TRUST_RULES, *lapse)


def meet_trust_rules(facts: Facts[T], steps: Steps) -> None:
    """Every rule of the trust holds for the subject token, and for the actor token where there is one."""
    pairs: list[tuple[TokenFacts, Trust | None]] = [(facts.subject, facts.trust)]
    if facts.actor is not None:
        pairs.append((facts.actor.token, facts.actor.trust))
    for token, trust in pairs:
        for rule in () if trust is None else trust.rules:
            verdict = rule.evaluate(token.claims)
            if verdict is not Verdict.PASSED:
                reason = Reason.TRUST_RULE_FAULT if verdict is Verdict.FAULT else Reason.TRUST_RULE_UNMET
                received = shown(token.claims.get(rule.claim))
                raise Refusal(reason, Step(Rule.TRUST_RULES, verdict, rule.expected, received))
    expected = "; ".join(rule.expected for rule in facts.trust.rules) if facts.trust else "issued by ourselves"
    steps.append(Step(Rule.TRUST_RULES, Verdict.PASSED, expected))


def resolve_targets(facts: Facts[T], steps: Steps) -> tuple[Target, ...]:
    """The targets asked for, each once. All must be known: one unknown name refuses the request (rule 22).

    One token serves them all, so they must want it in one format.
    """
    names = (*facts.request.audience, *facts.request.resource)
    if not names:
        default = facts.client.partner.default_target if facts.client.partner else None
        if default is None:
            raise _refuse(Reason.TARGET_MISSING, Rule.TARGET, "an audience, a resource or a default target", None)
        names = (default,)
    targets: dict[str, Target] = {}
    for name in names:
        target = facts.targets.get(name)
        if target is None:
            raise _refuse(Reason.TARGET_UNKNOWN, Rule.TARGET, "a registered target", name)
        targets[target.audience] = target
    if len({target.token_format for target in targets.values()}) > 1:
        formats = "; ".join(f"{target.name} {target.token_format}" for target in targets.values())
        raise _refuse(Reason.TARGETS_DISAGREE, Rule.TARGET, "targets with one token format", formats)
    steps.append(Step(Rule.TARGET, Verdict.PASSED, "a registered target", " ".join(targets)))
    return tuple(targets.values())


def select_mapping(facts: Facts[T], target: Target, variables: Variables, steps: Steps) -> ScopeMapping:
    """The first mapping, in the partner's order, for this target and client whose conditions the subject meets.

    A condition that cannot be evaluated refuses at once: falling through to a later, wider mapping would let a
    malformed claim choose its own policy.
    """
    missed: Refusal | None = None
    for mapping in facts.mappings.get(target.id, ()):
        if mapping.clients is not None and facts.client.client_id not in mapping.clients:
            continue
        missed = _unmet(mapping, facts.subject, variables)
        if missed is None:
            steps.append(Step(Rule.MAPPING, Verdict.PASSED, target.name, mapping.label))
            return mapping
        if missed.step.verdict is Verdict.FAULT:
            raise missed
    raise missed or _refuse(Reason.TARGET_NOT_MAPPED, Rule.MAPPING, f"a published mapping to {target.name}", None)


def _unmet(mapping: ScopeMapping, token: TokenFacts, variables: Variables) -> Refusal | None:
    """The refusal of the first condition that the subject does not meet: the rules in order, then the expression."""
    unmet = mapping.unmet_rule(token)
    if unmet is not None:
        rule, verdict = unmet
        reason = Reason.MAPPING_RULE_FAULT if verdict is Verdict.FAULT else Reason.MAPPING_RULE_UNMET
        received = shown(token.claims.get(rule.claim))
        return Refusal(reason, Step(Rule.MAPPING, verdict, f"{mapping.label}: {rule.expected}", received))
    if mapping.condition is None or evaluate(mapping, "condition", mapping.condition, variables) is True:
        return None
    expected = f"{mapping.label}: {shown(mapping.condition.source)}"
    return _refuse(Reason.MAPPING_RULE_UNMET, Rule.MAPPING, expected, "false")


def evaluate(
    mapping: ScopeMapping, part: str, expression: Expression, variables: Variables, rule: Rule = Rule.MAPPING
) -> Result:
    """What an expression gives. A fault refuses the request, whatever else could still be tried."""
    try:
        return expression.evaluate(variables)
    except ExpressionFault as fault:
        expected = f"{mapping.label}: {part} {shown(expression.source)}"
        step = Step(rule, Verdict.FAULT, expected, shown(str(fault)))
        raise Refusal(Reason.MAPPING_RULE_FAULT, step) from fault


def delegate(facts: Facts[T], mappings: Mappings, steps: Steps) -> Mapping[str, JSON] | None:
    """The ``act`` chain of the token to be issued; None means impersonation (RFC 8693 section 1.1).

    A client that asks for itself acts for nobody else, and a person signed in and agreed: there is neither.
    """
    if facts.source in _PRESENT:
        steps.append(Step(Rule.DELEGATION, Verdict.PASSED, "the subject's own request", facts.source))
        return None
    previous = facts.subject.claims.get("act")
    _check_may_act(facts, previous)
    _check_actor_owner(facts)
    if facts.actor is None and not all(mapping.allows_impersonation for mapping in mappings):
        raise _refuse(Reason.ACTOR_REQUIRED, Rule.DELEGATION, "an actor token", None)
    act = previous if facts.actor is None else delegation.extend(_actor(facts), previous)
    if act is None:
        steps.append(Step(Rule.DELEGATION, Verdict.PASSED, "impersonation allowed", "no actor token"))
        return None
    limit = _deepest(facts, mappings)
    chain = _chain(act)
    if len(chain) > limit:
        raise _refuse(Reason.CHAIN_TOO_DEEP, Rule.DELEGATION, f"depth at most {limit}", f"depth {len(chain)}")
    if len({delegation.identity(actor, facts.subject.issuer) for actor in chain}) < len(chain):
        raise _refuse(Reason.CHAIN_LOOP, Rule.DELEGATION, "each actor once", act)
    received = f"{shown(chain[0]['sub'])}, depth {len(chain)}"
    steps.append(Step(Rule.DELEGATION, Verdict.PASSED, f"depth at most {limit}", received))
    return chain[0]


def _deepest(facts: Facts[T], mappings: Mappings) -> int:
    """The longest chain that trust, mappings and installation all allow (rule 46)."""
    trusted = delegation.INSTALLATION_MAX_DEPTH if facts.trust is None else facts.trust.max_depth
    return min(trusted, delegation.INSTALLATION_MAX_DEPTH, *(mapping.max_depth for mapping in mappings))


def _chain(act: JSON) -> list[Mapping[str, JSON]]:
    try:
        return list(delegation.actors(act))
    except delegation.ChainError as error:
        raise _refuse(Reason.CHAIN_REFUSED, Rule.DELEGATION, str(error), act) from error


def _actor(facts: Facts[T]) -> Mapping[str, JSON]:
    """The acting party as an ``act`` member: identity claims only (rule 38). Without an actor token: the client."""
    if facts.actor is None:
        return {"sub": facts.client.client_id, "client_id": facts.client.client_id}
    token = facts.actor.token
    return {"sub": token.subject, "iss": token.issuer, "client_id": facts.client.client_id}


def _check_may_act(facts: Facts[T], previous: JSON) -> None:
    """``may_act`` names who may act; nobody else may, and leaving the actor token out is no way round it (rule 42)."""
    may_act = facts.subject.claims.get("may_act")
    if may_act is None:
        return
    if previous is not None and facts.trust is not None and not facts.trust.allows_foreign_chain:
        raise _refuse(Reason.CHAIN_REFUSED, Rule.DELEGATION, "may_act or act, not both", "both")
    actor = _actor(facts)
    if not delegation.is_named_by(may_act, actor):
        raise _refuse(Reason.ACTOR_NOT_NAMED, Rule.DELEGATION, f"may_act {shown(may_act)}", actor["sub"])


def _check_actor_owner(facts: Facts[T]) -> None:
    """The actor token is the requester's own, or its trust lets clients present others' (rule 45): none is borrowed."""
    if facts.actor is None or (facts.actor.trust is not None and facts.actor.trust.accepts_actors):
        return
    actor = facts.actor.token
    own = [actor.subject, actor.claims.get("client_id"), actor.claims.get("azp")]
    if facts.client.client_id not in own:
        raise _refuse(
            Reason.ACTOR_FOREIGN, Rule.DELEGATION, f"an actor token of {facts.client.client_id}", actor.subject
        )


def narrow_scope(facts: Facts[T], mappings: Mappings, variables: Variables, steps: Steps) -> frozenset[str]:
    """Requested, and within the subject's rights, every mapping and target, and the client's ceiling (rule 49)."""
    asked = facts.request.scope
    known = frozenset[str]().union(*(mapping.target.scopes for mapping in mappings))
    if asked is not None and not asked <= known:
        unknown = " ".join(sorted(asked - known))
        raise _refuse(Reason.SCOPE_UNKNOWN, Rule.SCOPE, "scopes of the target's catalogue", unknown)
    ceiling = facts.client.scopes & known
    for mapping in mappings:
        ceiling &= _ceiling(mapping, facts.subject, variables).intersection(mapping.target.scopes)
    wanted = frozenset.intersection(*(m.default_scopes for m in mappings)) if asked is None else asked
    granted = wanted & ceiling
    if asked and not granted:
        raise _refuse(Reason.SCOPE_NOT_GRANTED, Rule.SCOPE, _spaced(ceiling) or "no scope", _spaced(asked))
    verdict = Verdict.PASSED if granted == wanted else Verdict.NARROWED
    steps.append(Step(Rule.SCOPE, verdict, _spaced(granted), _spaced(wanted)))
    return granted


def _ceiling(mapping: ScopeMapping, token: TokenFacts, variables: Variables) -> frozenset[str]:
    """What the mapping can give this token; what its expression names beyond the catalogue is dropped like the rest."""
    ceiling = mapping.ceiling(token)
    if mapping.scopes_expression is None:
        return ceiling
    given = evaluate(mapping, "scopes_expression", mapping.scopes_expression, variables, Rule.SCOPE)
    return ceiling.union(given)  # type: ignore[arg-type]  # its kind gives a list


def _spaced(scopes: frozenset[str]) -> str:
    return " ".join(sorted(scopes))


def limit_lifetime(facts: Facts[T], longest: Bound, now: datetime) -> tuple[datetime, Step]:
    """The earliest end of all that bound it: what ``longest`` allows from now on, subject and actor token (rule 34)."""
    bound, ends = longest.name, now + longest.span
    if facts.subject.expires_at < ends:
        bound, ends = "subject token", facts.subject.expires_at
    if facts.actor is not None and facts.actor.token.expires_at < ends:
        bound, ends = "actor token", facts.actor.token.expires_at
    lifetime = ends - now
    if lifetime < SHORTEST_LIFETIME:
        raise _refuse(Reason.LIFETIME_EXHAUSTED, Rule.LIFETIME, "at least one second left", f"ended by {bound}")
    received = f"{int(lifetime.total_seconds())} s"
    return ends, Step(Rule.LIFETIME, Verdict.PASSED, f"bounded by {bound}", received)


def name_subject(facts: Facts[T], mappings: Mappings, steps: Steps) -> str:
    """``partner:<slug>:<their subject>``, so that no partner's subject can collide with another's (RFC 9068 s5).

    Whom we named ourselves keeps that name: a client, or the subject of a token of ours.
    """
    if facts.trust is None:
        steps.append(Step(Rule.SUBJECT, Verdict.PASSED, "as we named it", shown(facts.subject.subject)))
        return facts.subject.subject
    names = [_subject_claim(facts.subject, mapping.subject_claim) for mapping in mappings]
    name = names[0]
    if any(other != name for other in names):
        raise _refuse(Reason.TARGETS_DISAGREE, Rule.SUBJECT, "mappings that name the same subject", "several")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_SUBJECT_LENGTH or not name.isprintable():
        claim = mappings[0].subject_claim
        raise _refuse(Reason.SUBJECT_UNUSABLE, Rule.SUBJECT, f"claim {claim}: 1 to 255 printable characters", name)
    subject = f"partner:{facts.trust.partner.slug}:{name}"
    steps.append(Step(Rule.SUBJECT, Verdict.PASSED, mappings[0].subject_claim, shown(subject)))
    return subject


def _subject_claim(token: TokenFacts, claim: str) -> JSON:
    return token.subject if claim == "sub" else token.claims.get(claim)
