"""Partner scope to our scope for one target: narrowing only, never inventing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from policy.claim_rules import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta
    from uuid import UUID

    from policy.claim_rules import ClaimRule
    from policy.expressions import Expression
    from policy.parties import Target
    from policy.tokens import TokenFacts


class MappingSource(StrEnum):
    """What is made into a token: a token of the trust or of ours, a client's authentication, or a person's sign-in.

    No mapping of a person is ever published: what our own API offers people is the installation's to say.
    """

    TRUST = "trust"
    OWN_TOKEN = "own_token"
    CLIENT = "client"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeMapping:
    """What a token of one source may become at one target. Published versions are never edited in place.

    ``grants`` maps a scope of the subject token to scopes of ours; ``always`` are scopes every matching token may
    receive. ``clients`` restricts it to client ids; None means every client of the partner. Without
    ``allows_impersonation`` an actor token is required (rule 36). ``subject_claim`` names the claim that becomes the
    last part of ``sub``.

    Three parts are written in CEL: ``condition`` must hold beside the rules; ``scopes_expression`` gives further scopes
    of ours, as ``grants`` does; ``claims`` names claims of the new token and what each holds. ``carries_login`` copies
    what the subject token says of the login.
    """

    id: UUID
    name: str
    version: int
    source: MappingSource
    trust_id: UUID | None
    """The trust, where that is the source."""
    target: Target
    clients: frozenset[str] | None
    rules: tuple[ClaimRule, ...]
    grants: Mapping[str, frozenset[str]]
    always: frozenset[str]
    default_scopes: frozenset[str]
    lifetime: timedelta
    allows_impersonation: bool
    max_depth: int
    subject_claim: str
    condition: Expression | None = None
    scopes_expression: Expression | None = None
    claims: Mapping[str, Expression] = field(default_factory=dict)
    carries_login: bool = False

    @property
    def label(self) -> str:
        """Name and version, as traces show it."""
        return f"{self.name} v{self.version}"

    def ceiling(self, token: TokenFacts) -> frozenset[str]:
        """The scopes this token may receive here: its own rights translated, plus what every token gets.

        What ``scopes_expression`` gives comes on top.
        """
        ceiling = set(self.always)
        for theirs, ours in self.grants.items():
            if theirs in token.scope:
                ceiling |= ours
        return frozenset(ceiling)

    def unmet_rule(self, token: TokenFacts) -> tuple[ClaimRule, Verdict] | None:
        """The first condition this token does not meet and how it fell, or None when all are met."""
        for rule in self.rules:
            verdict = rule.evaluate(token.claims)
            if verdict is not Verdict.PASSED:
                return rule, verdict
        return None


def by_target(mappings: Iterable[ScopeMapping]) -> Mapping[UUID, tuple[ScopeMapping, ...]]:
    """Mappings by their target's id, each in the order given: a decision reads those of its targets alone."""
    found: dict[UUID, tuple[ScopeMapping, ...]] = {}
    for mapping in mappings:
        found[mapping.target.id] = (*found.get(mapping.target.id, ()), mapping)
    return found
