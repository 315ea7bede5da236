"""The decision: may this client have this token, by whose rule, and why not. Pure: the simulator runs the same code.

``decide`` answers with a value, ``Granted`` or ``Refused``; each carries the steps that led there, which the audit
event stores and the portal shows, and which never reach the wire (RFC 8693 sections 1.1, 2.1.1, 4.1, 4.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policy import guards, rehearsal
from policy.carrying import carry_claims
from policy.facts import Facts, Granted, Refused, T

if TYPE_CHECKING:
    from datetime import datetime

    from policy.reasons import Step


def decide(facts: Facts[T], *, now: datetime) -> Granted[T] | Refused:
    """Whether these facts allow a token, and which. Absence of a rule means no; every check can only narrow."""
    steps: list[Step] = []
    try:
        return _grant(facts, steps, now)
    except guards.Refusal as refusal:
        return Refused(reason=refusal.reason, steps=(*steps, refusal.step))


def _grant(facts: Facts[T], steps: list[Step], now: datetime) -> Granted[T]:
    """The guards in order. Each adds its step and hands on what it established, or ends the line."""
    guards.stand(facts)
    guards.meet_trust_rules(facts, steps)
    targets = guards.resolve_targets(facts, steps)
    longest = rehearsal.confine(facts, targets, steps)
    variables = facts.variables()
    mappings = tuple(guards.select_mapping(facts, target, variables, steps) for target in targets)
    claims = carry_claims(mappings, facts.subject, variables, steps)
    act = guards.delegate(facts, mappings, steps)
    scope = guards.narrow_scope(facts, mappings, variables, steps)
    expires_at = guards.limit_lifetime(facts, mappings, steps, now, longest)
    subject = guards.name_subject(facts, mappings, steps)
    return Granted(
        token=facts.subject,
        subject=subject,
        audience=tuple(target.audience for target in targets),
        token_format=targets[0].token_format,
        scope=scope,
        expires_at=expires_at,
        act=act,
        mappings=mappings,
        steps=tuple(steps),
        claims=claims,
    )
