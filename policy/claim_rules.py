"""One condition on a claim: compiled when it is written, matched when a token comes. The only regular expressions.

Patterns are RE2 (linear time, no backtracking) and must match the whole value. This prevents two published faults:
an alternation that escapes its anchors (``^a|b$``), and an admin's pattern that stops the endpoint (CWE-1333).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import re2

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from policy.tokens import JSON

MAX_PATTERN_LENGTH: Final = 512
MAX_VALUE_LENGTH: Final = 4096
MAX_CLAIM_LENGTH: Final = 255
MAX_PATH_DEPTH: Final = 5


class Operator(StrEnum):
    """How a claim is compared. ``contains``: membership in a list, or in a string of words such as ``scope``."""

    EQUALS = "equals"
    ONE_OF = "one_of"
    MATCHES = "matches"
    EXISTS = "exists"
    CONTAINS = "contains"


class Verdict(StrEnum):
    """The outcome of one rule. ``FAULT``: it could not be evaluated, which refuses, as a configuration fault."""

    PASSED = "passed"
    NARROWED = "narrowed"
    REFUSED = "refused"
    FAULT = "fault"


class RuleError(ValueError):
    """A rule that cannot be compiled. The message says what happened and what to write instead."""


Scalar = str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRule:
    """One condition on one claim of a token, for example ``tier equals gold``.

    ``claim`` is a member name, or a path of names joined by ``/`` for a nested member (at most five). ``value`` is a
    string, integer or boolean; a list of those for ``one_of``; a pattern for ``matches``; nothing for ``exists``.
    """

    claim: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...] | None = None
    pattern: Any = field(default=None, repr=False, compare=False)

    @classmethod
    def compile(cls, claim: object, operator: object, value: object = None) -> ClaimRule:
        """A rule ready to match. Raises ``RuleError`` for anything that could not be evaluated later."""
        _check_claim(claim)
        try:
            known = Operator(operator)  # type: ignore[arg-type]
        except ValueError as error:
            message = f"operator is {operator!r}; use one of {', '.join(Operator)}"
            raise RuleError(message) from error
        if isinstance(value, list):
            value = tuple(value)
        _check_value(known, value)
        pattern = _compile_pattern(value) if known is Operator.MATCHES else None
        return cls(claim=str(claim), operator=known, value=value, pattern=pattern)  # type: ignore[arg-type]

    def evaluate(self, claims: Mapping[str, JSON]) -> Verdict:
        """Whether these claims satisfy the condition. A claim of an unusable kind is a fault, never a pass."""
        found, actual = _lookup(claims, self.claim)
        if self.operator is Operator.EXISTS:
            return _verdict(passed=found and actual is not None)
        if not found or actual is None:
            return Verdict.REFUSED
        return _EVALUATE[self.operator](self, actual)

    @property
    def expected(self) -> str:
        """The condition in words, for traces and pages. It never reaches the wire."""
        if self.operator is Operator.EXISTS:
            return f"{self.claim} exists"
        shown = ", ".join(map(str, self.value)) if isinstance(self.value, tuple) else str(self.value)
        return f"{self.claim} {self.operator.replace('_', ' ')} {shown}"


def _check_claim(claim: object) -> None:
    if not isinstance(claim, str) or not claim or len(claim) > MAX_CLAIM_LENGTH:
        message = "claim must be the name of a claim, 1 to 255 characters"
        raise RuleError(message)
    if len(claim.split("/")) > MAX_PATH_DEPTH and not claim.startswith("http"):
        message = f"claim {claim!r} is nested more than {MAX_PATH_DEPTH} deep"
        raise RuleError(message)


def _check_value(operator: Operator, value: object) -> None:
    if operator is Operator.EXISTS:
        if value is not None:
            message = "exists takes no value; leave it out"
            raise RuleError(message)
    elif operator is Operator.ONE_OF:
        if not isinstance(value, tuple) or not value or not all(isinstance(item, Scalar) for item in value):
            message = "one_of takes a list of at least one string, integer or boolean"
            raise RuleError(message)
    elif not isinstance(value, Scalar):
        message = f"{operator} takes a string, an integer or a boolean, not {type(value).__name__}"
        raise RuleError(message)


def _compile_pattern(value: object) -> object:
    if not isinstance(value, str) or not value or len(value) > MAX_PATTERN_LENGTH:
        message = f"matches takes a pattern of 1 to {MAX_PATTERN_LENGTH} characters"
        raise RuleError(message)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(value, options)
    except re2.error as error:
        why = error.args[0].decode("utf-8", "replace")
        message = f"pattern {value!r} is not RE2 syntax (no back-references, no look-around): {why}"
        raise RuleError(message) from error


def _lookup(claims: Mapping[str, JSON], path: str) -> tuple[bool, JSON]:
    """A claim by its exact name first (names may hold slashes, as URLs do), then by path."""
    if path in claims:
        return True, claims[path]
    node: JSON = claims  # type: ignore[assignment]
    for name in path.split("/"):
        if not isinstance(node, dict) or name not in node:
            return False, None
        node = node[name]
    return True, node


def _verdict(*, passed: bool) -> Verdict:
    return Verdict.PASSED if passed else Verdict.REFUSED


def _same(left: object, right: object) -> bool:
    """Equality without Python's ``True == 1``: a boolean claim never satisfies a rule about a number."""
    return type(left) is type(right) and left == right


def _equals(rule: ClaimRule, actual: JSON) -> Verdict:
    if not isinstance(actual, Scalar):
        return Verdict.FAULT
    return _verdict(passed=_same(actual, rule.value))


def _one_of(rule: ClaimRule, actual: JSON) -> Verdict:
    if not isinstance(actual, Scalar):
        return Verdict.FAULT
    return _verdict(passed=any(_same(actual, item) for item in rule.value or ()))  # type: ignore[union-attr]


def _matches(rule: ClaimRule, actual: JSON) -> Verdict:
    if not isinstance(actual, str) or len(actual) > MAX_VALUE_LENGTH:
        return Verdict.FAULT
    return _verdict(passed=rule.pattern.fullmatch(actual) is not None)


def _contains(rule: ClaimRule, actual: JSON) -> Verdict:
    if isinstance(actual, str):
        return _verdict(passed=rule.value in actual.split(" "))
    if not isinstance(actual, list):
        return Verdict.FAULT
    return _verdict(passed=any(_same(item, rule.value) for item in actual))


_EVALUATE: Final[Mapping[Operator, Callable[[ClaimRule, JSON], Verdict]]] = {
    Operator.EQUALS: _equals,
    Operator.ONE_OF: _one_of,
    Operator.MATCHES: _matches,
    Operator.CONTAINS: _contains,
}
