"""What a partner may do before its activation: try real exchanges, for test targets, with tokens that live a minute.

Whoever vouches for a part of the request counts: the client, the issuers, and where a token of ours came from. A token
for a test target leads to test targets only, whoever exchanges it onwards (RFC 8693 section 2.1): otherwise a service
behind a test target could be the bridge by which an unchecked partner reaches a real one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from policy.claim_rules import Verdict
from policy.guards import Refusal
from policy.mapping import MappingSource
from policy.reasons import Reason, Rule, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policy.facts import Facts, T
    from policy.parties import Partner, Target

LONGEST: Final = timedelta(seconds=60)


def confine(facts: Facts[T], targets: tuple[Target, ...], steps: list[Step]) -> timedelta | None:
    """The longest a token of a rehearsal may live; None where everybody concerned is activated.

    Raises ``Refusal`` for a rehearsal with a target that is no test target.
    """
    why = _rehearses(facts)
    if not why:
        return None
    expected = f"a test target: {why}"
    real = " ".join(target.name for target in targets if not target.is_test)
    if real:
        raise Refusal(Reason.PARTNER_NOT_ACTIVATED, Step(Rule.TARGET, Verdict.REFUSED, expected, real))
    steps.append(Step(Rule.TARGET, Verdict.PASSED, expected, " ".join(target.name for target in targets)))
    return LONGEST


def _rehearses(facts: Facts[T]) -> str:
    """Why this is a rehearsal, in words; empty where it is none."""
    for partner in _partners(facts):
        if partner is not None and partner.is_rehearsing:
            return f"partner {partner.slug} is not activated yet"
    if facts.source is MappingSource.OWN_TOKEN and _is_for_a_test(facts):
        return "the subject token is for one"
    return ""


def _partners(facts: Facts[T]) -> Iterator[Partner | None]:
    yield facts.client.partner
    for trust in (facts.trust, facts.actor.trust if facts.actor else None):
        yield None if trust is None else trust.partner
    for origin in facts.origins:
        yield None if origin.client is None else origin.client.partner


def _is_for_a_test(facts: Facts[T]) -> bool:
    return any(facts.targets[name].is_test for name in facts.subject.audience if name in facts.targets)
