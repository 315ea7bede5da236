"""The decision: may this client have this token, by whose rule, and why not. Pure: the simulator runs the same code.

``decide`` answers with a value, ``Granted`` or ``Refused``; each carries the steps that led there, which the audit
event stores and the portal shows, and which never reach the wire (RFC 8693 sections 1.1, 2.1.1, 4.1, 4.4). It has two
parts: what the facts alone say, ``rule``, and what only the moment can, ``conclude``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from policy import guards, rehearsal
from policy.carrying import carry_claims
from policy.facts import Facts, Granted, Refused, T

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from policy.guards import Bound, Mappings
    from policy.parties import TokenFormat
    from policy.reasons import Step
    from policy.tokens import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling(Generic[T]):
    """A yes as far as the facts go, whatever the time: all of the grant but its end, which ``longest`` bounds."""

    facts: Facts[T]
    subject: str
    audience: tuple[str, ...]
    token_format: TokenFormat
    scope: frozenset[str]
    act: Mapping[str, JSON] | None
    mappings: Mappings
    steps: tuple[Step, ...]
    claims: Mapping[str, JSON]
    longest: Bound


def decide(facts: Facts[T], *, now: datetime) -> Granted[T] | Refused:
    """Whether these facts allow a token, and which. Absence of a rule means no; every check can only narrow."""
    ruling = rule(facts)
    return ruling if isinstance(ruling, Refused) else conclude(ruling, now=now)


def rule(facts: Facts[T]) -> Ruling[T] | Refused:
    """What the facts alone say: equal facts always give an equal answer."""
    steps: list[Step] = []
    try:
        return _rule(facts, steps)
    except guards.Refusal as refusal:
        return Refused(reason=refusal.reason, steps=(*steps, refusal.step))


def conclude(ruling: Ruling[T], *, now: datetime) -> Granted[T] | Refused:
    """The ruling at this moment: how long the token may live, if there is time left."""
    facts = ruling.facts
    try:
        expires_at, step = guards.limit_lifetime(facts, ruling.longest, now)
    except guards.Refusal as refusal:
        return Refused(reason=refusal.reason, steps=(*ruling.steps, refusal.step))
    return Granted(
        token=facts.subject,
        subject=ruling.subject,
        audience=ruling.audience,
        token_format=ruling.token_format,
        scope=ruling.scope,
        expires_at=expires_at,
        act=ruling.act,
        mappings=ruling.mappings,
        steps=(*ruling.steps, step),
        claims=ruling.claims,
    )


def _rule(facts: Facts[T], steps: list[Step]) -> Ruling[T]:
    """The guards in order. Each adds its step and hands on what it established, or ends the line."""
    guards.stand(facts)
    guards.meet_trust_rules(facts, steps)
    targets = guards.resolve_targets(facts, steps)
    of_rehearsal = rehearsal.confine(facts, targets, steps)
    variables = facts.variables()
    mappings = tuple(guards.select_mapping(facts, target, variables, steps) for target in targets)
    claims = carry_claims(mappings, facts.subject, variables, steps)
    act = guards.delegate(facts, mappings, steps)
    scope = guards.narrow_scope(facts, mappings, variables, steps)
    subject = guards.name_subject(facts, mappings, steps)
    return Ruling(
        facts=facts,
        subject=subject,
        audience=tuple(target.audience for target in targets),
        token_format=targets[0].token_format,
        scope=scope,
        act=act,
        mappings=mappings,
        steps=tuple(steps),
        claims=claims,
        longest=_longest(facts, mappings, of_rehearsal),
    )


def _longest(facts: Facts[T], mappings: Mappings, rehearsal: timedelta | None) -> guards.Bound:
    """The shortest lifetime of all that say how long a token may live, and who says so (rule 34).

    ``rehearsal`` is that of a rehearsal, None where there is none.
    """
    spans = {
        "installation": facts.ceiling,
        "mapping": min(mapping.lifetime for mapping in mappings),
        "target": min(mapping.target.lifetime for mapping in mappings),
    }
    if facts.trust is not None:
        spans["trust"] = facts.trust.lifetime
    if rehearsal is not None:
        spans["rehearsal"] = rehearsal
    bound = min(spans, key=spans.__getitem__)
    return guards.Bound(bound, spans[bound])
