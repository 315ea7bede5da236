"""Whether a declared mapping agrees with itself: its source, its rules, its expressions and its default scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from partners.errors import Problem, shown
from partners.states import SourceOfMapping
from policy.claim_names import MAX_CARRIED
from policy.claim_rules import ClaimRule, RuleError
from policy.expression_grammar import ExpressionError
from policy.expressions import Expression, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from partners.declarations import DeclaredMapping, DeclaredRule
    from partners.errors import Path

    Problems = Iterator[Problem]

LARGEST_INTEGER: Final = 2**53 - 1


def check_mapping(mapping: DeclaredMapping) -> Problems:
    """What is wrong with a mapping, all of it."""
    yield from _check_source(mapping)
    yield from check_rules(mapping.rules)
    if mapping.clients == ():
        expected = "at least one client; leave the field out for every client of the partner"
        yield Problem(path=("clients",), expected=expected, came=shown([]))
    yield from _check_expressions(mapping)
    grantable = set(mapping.always).union(*mapping.grants.values())
    beyond = sorted(set(mapping.default_scopes) - grantable)
    if beyond and mapping.scopes_expression is None:
        expected = "scopes that grants or always can give"
        yield Problem(path=("default_scopes",), expected=expected, came=shown(beyond))


def _check_source(mapping: DeclaredMapping) -> Problems:
    """A trust and its partner where that is the source; what only a foreign or a subject token has, only beside one."""
    is_of_trust = mapping.source is SourceOfMapping.TRUST
    if is_of_trust and mapping.partner is None:
        yield Problem(path=("partner",), expected="the partner of the trust", came="nothing")
    if is_of_trust != (mapping.trust is not None):
        expected = "a trust, since that is the source" if is_of_trust else f"none: the source is {mapping.source}"
        yield Problem(path=("trust",), expected=expected, came=shown(mapping.trust))
    if not is_of_trust and mapping.subject_claim != "sub":
        expected = "sub: whom we named ourselves keeps that name"
        yield Problem(path=("subject_claim",), expected=expected, came=shown(mapping.subject_claim))
    if mapping.source is SourceOfMapping.CLIENT and mapping.grants:
        yield Problem(path=("grants",), expected="none: a client has no token whose scopes are worth ours; use always")


def _check_expressions(mapping: DeclaredMapping) -> Problems:
    """Each compiles, gives what it is for, and keeps within the language offered. Claims are few."""
    wanted: list[tuple[Path, str | None, Kind]] = [
        (("condition",), mapping.condition, Kind.CONDITION),
        (("scopes_expression",), mapping.scopes_expression, Kind.SCOPES),
        *((("claims", name), source, Kind.CLAIM) for name, source in mapping.claims.items()),
    ]
    for path, source, kind in wanted:
        try:
            if source is not None:
                Expression.compile(source, kind)
        except ExpressionError as error:
            yield Problem(path=path, expected=f"an expression that can be evaluated: {error}", came=shown(source))
    if len(mapping.claims) > MAX_CARRIED:
        yield Problem(path=("claims",), expected=f"at most {MAX_CARRIED} claims", came=shown(len(mapping.claims)))


def check_rules(rules: tuple[DeclaredRule, ...]) -> Problems:
    """Which rules cannot be evaluated, or compare with what no two parsers read alike."""
    for index, rule in enumerate(rules):
        try:
            ClaimRule.compile(rule.claim, rule.operator, rule.value)
        except RuleError as error:
            yield Problem(path=("rules", index), expected=f"a rule that can be evaluated: {error}")
            continue
        values = rule.value if isinstance(rule.value, list | tuple) else (rule.value,)
        if not all(_is_comparable(value) for value in values):
            expected = "printable text, or a whole number of at most 53 bits (RFC 8785)"
            yield Problem(path=("rules", index, "value"), expected=expected, came=shown(rule.value))


def _is_comparable(value: object) -> bool:
    """Text a page can show, and numbers every JSON parser reads alike: others would match by accident."""
    if isinstance(value, str):
        return value.isprintable()
    return not isinstance(value, int) or abs(value) <= LARGEST_INTEGER
