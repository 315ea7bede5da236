"""What the facts of an exchange say, worked out once for as long as they are the same objects (RFC 8693 section 2.1).

``policy.decision.rule`` is pure and knows no time, so the same facts have the same answer. The same are the subject, as
``exchange.familiar`` hands it on, and the client, trust, mappings and targets of one snapshot: whatever changes is
another object, and is judged anew. What the moment says of the answer is asked every time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exchange.generations import Generations
from policy.decision import Ruling, conclude, rule
from policy.facts import Refused
from policy.tokens import VerifiedToken

if TYPE_CHECKING:
    from datetime import datetime

    from policy.facts import Facts, Granted
    from policy.tokens import EstablishedSubject

    Key = tuple[int, tuple[str, ...], tuple[str, ...], frozenset[str] | None]

MAX_KEPT: Final = 2048
"""Of each of two generations."""


class Rulings:
    """One per process. Kept are grants to foreign tokens without an actor: those that come again and again."""

    def __init__(self) -> None:
        self._kept: Generations[Key, Ruling[EstablishedSubject]] = Generations(MAX_KEPT)

    def decide(self, facts: Facts[EstablishedSubject], *, now: datetime) -> Granted[EstablishedSubject] | Refused:
        """As ``policy.decision.decide``."""
        key = (id(facts.subject), facts.request.audience, facts.request.resource, facts.request.scope)
        ruling = self._kept.get(key)
        if ruling is None or not _are_same(ruling.facts, facts):
            answer = rule(facts)
            if isinstance(answer, Refused):
                return answer
            ruling = self._keep(key, answer)
        return conclude(ruling, now=now)

    def _keep(self, key: Key, ruling: Ruling[EstablishedSubject]) -> Ruling[EstablishedSubject]:
        facts = ruling.facts
        if facts.actor is None and not facts.origins and isinstance(facts.subject, VerifiedToken):
            self._kept.keep(key, ruling)
        return ruling


def _are_same(kept: Facts[EstablishedSubject], facts: Facts[EstablishedSubject]) -> bool:
    """Whether everything that a decision reads is the very same; what was asked for is in the key."""
    return (
        kept.subject is facts.subject
        and kept.client is facts.client
        and kept.trust is facts.trust
        and kept.mappings is facts.mappings
        and kept.targets is facts.targets
        and kept.ceiling is facts.ceiling
        and facts.actor is None
        and not facts.origins
    )
