"""What is allowed and yet unwise: conditions that hold nothing back, found in a configuration without any token.

Each finding is a fact about what was declared, not a guess: a trust without a condition takes whatever its issuer
signs for us, and a pattern that matches texts which have nothing in common bounds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from policy.claim_rules import Operator, Verdict
from policy.parties import Risk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from policy.claim_rules import ClaimRule
    from policy.mapping import ScopeMapping


class Fault(StrEnum):
    """What is unwise."""

    AUDIENCE_ONLY = "audience_only"
    UNBOUNDED_PATTERN = "unbounded_pattern"
    ONLY_EXISTS = "only_exists"
    RISKY_FOR_ALL = "risky_for_all"
    RISKY_IMPERSONATION = "risky_impersonation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One unwise thing: of which trust or mapping, and the condition or the scopes it is about."""

    fault: Fault
    subject: str
    detail: str = ""


UNLIKE: Final = ("a", "Z9", "0", "-", "wh-07", "root", "https://elsewhere.example/x?y=1", "q" * 64)
"""Texts that nothing but a pattern without bounds matches all of."""

_RISKY: Final = frozenset({Risk.HIGH, Risk.CRITICAL})


def of_trust(name: str, rules: tuple[ClaimRule, ...]) -> tuple[Finding, ...]:
    """What is unwise about the conditions of a trust: what every token of its issuer meets holds nobody back."""
    if not rules:
        return (Finding(fault=Fault.AUDIENCE_ONLY, subject=name),)
    return tuple(_of_rules(name, rules))


def of_mapping(mapping: ScopeMapping, *, is_conditional_trust: bool) -> tuple[Finding, ...]:
    """What is unwise about a mapping; ``is_conditional_trust``: its trust has conditions of its own."""
    found = list(_of_rules(mapping.name, mapping.rules))
    is_open = not (mapping.rules or mapping.condition or is_conditional_trust)
    always = _risky(mapping, mapping.always)
    if always and is_open:
        found.append(Finding(fault=Fault.RISKY_FOR_ALL, subject=mapping.name, detail=always))
    critical = _risky(mapping, mapping.always.union(*mapping.grants.values()), frozenset({Risk.CRITICAL}))
    if critical and mapping.allows_impersonation and mapping.trust_id is not None:
        found.append(Finding(fault=Fault.RISKY_IMPERSONATION, subject=mapping.name, detail=critical))
    return tuple(found)


def _of_rules(subject: str, rules: Iterable[ClaimRule]) -> Iterator[Finding]:
    listed = tuple(rules)
    for rule in listed:
        if is_unbounded(rule):
            yield Finding(fault=Fault.UNBOUNDED_PATTERN, subject=subject, detail=rule.expected)
    if listed and all(rule.operator is Operator.EXISTS for rule in listed):
        detail = "; ".join(rule.expected for rule in listed)
        yield Finding(fault=Fault.ONLY_EXISTS, subject=subject, detail=detail)


def is_unbounded(rule: ClaimRule) -> bool:
    """Whether a pattern matches texts that have nothing in common."""
    if rule.operator is not Operator.MATCHES or "/" in rule.claim:
        return False
    return all(rule.evaluate({rule.claim: text}) is Verdict.PASSED for text in UNLIKE)


def _risky(mapping: ScopeMapping, scopes: Iterable[str], risks: frozenset[Risk] = _RISKY) -> str:
    known = mapping.target.scopes
    return " ".join(sorted(scope for scope in scopes if scope in known and known[scope].risk in risks))
