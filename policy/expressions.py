"""An expression in CEL on what a token says: a condition, the scopes it is worth, or a claim to carry over.

The only module that knows the engine (Google's cel-cpp), so that another can take its place. What is written is checked
by ``expression_grammar`` and compiled when it is saved; what comes out is checked at each use. Anything that is not a
plain answer is a fault, never a yes: a missing claim is an error value in CEL, and reads like text if it is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson
from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from policy.expression_grammar import ExpressionError, require_offered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from policy.tokens import JSON

Result: TypeAlias = "bool | int | str | list[str]"

MAX_CLAIMS_BYTES: Final = 16_384
MAX_ITEMS: Final = 100
MAX_ITEM_LENGTH: Final = 255
MAX_TEXT_LENGTH: Final = 1024
LARGEST_INTEGER: Final = 2**53 - 1
_REMEMBERED: Final = 8192
_FAULTS: Final = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)


class ExpressionFault(Exception):
    """An expression could not be evaluated, or gave what it must not give. It refuses, as a configuration fault."""


class Kind(StrEnum):
    """What an expression is for, which says what it must give."""

    CONDITION = "condition"
    SCOPES = "scopes"
    CLAIM = "claim"


_EXPECTED: Final[Mapping[Kind, str]] = {
    Kind.CONDITION: "true or false, such as claims.tier == 'gold'",
    Kind.SCOPES: "a list of text, such as claims.roles.map(r, 'ledger:' + string(r))",
    Kind.CLAIM: "text, true or false, a whole number or a list of text",
}
_COMPILED: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.CONDITION: frozenset({"BOOL"}),
    Kind.SCOPES: frozenset({"LIST<STRING>"}),
    Kind.CLAIM: frozenset({"BOOL", "STRING", "INT", "LIST<STRING>", "LIST<DYN>", "DYN"}),
}
"""The types the engine may infer. A claim's own type is known when a token comes, so ``DYN`` is looked at then."""


def _environment() -> cel.Env:
    claims = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    variables = {
        "claims": claims,
        "actor": claims,
        "client": cel.Type.STRING,
        "scopes": cel.Type.List(cel.Type.STRING),
    }
    return cel.NewEnv(variables=variables, extensions=[ext_strings.ExtStrings()])


_ENVIRONMENT: Final = _environment()


class Variables:
    """What expressions may read in one decision. Converted for the engine once, when the first expression asks."""

    __slots__ = ("_activation", "_values")

    def __init__(
        self, claims: Mapping[str, JSON], actor: Mapping[str, JSON], client: str, scopes: Collection[str]
    ) -> None:
        self._values = {"claims": claims, "actor": actor, "client": client, "scopes": scopes}
        self._activation: cel.Activation | None = None

    @property
    def activation(self) -> cel.Activation:
        """The engine's form. Raises ``ExpressionFault`` for more than an expression may be given."""
        if self._activation is None:
            values = self._values | {"scopes": sorted(self._values["scopes"])}
            if len(orjson.dumps(values)) > MAX_CLAIMS_BYTES:
                message = f"the claims are larger than {MAX_CLAIMS_BYTES} bytes"
                raise ExpressionFault(message)
            self._activation = _ENVIRONMENT.Activation(data=values)
        return self._activation


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """One expression and what it is for. Two of the same source share one program."""

    source: str
    kind: Kind

    @classmethod
    def compile(cls, source: str, kind: Kind) -> Expression:
        """An expression that can be saved. Raises ``ExpressionError`` for what could not be evaluated later."""
        require_offered(source)
        try:
            inferred = _ENVIRONMENT.compile(source).return_type().name()
        except _FAULTS as error:
            message = f"it does not compile: {_first_line(error)}"
            raise ExpressionError(message) from error
        if inferred not in _COMPILED[kind]:
            message = f"it gives {inferred.lower()}; it must give {_EXPECTED[kind]}"
            raise ExpressionError(message)
        return cls(source=source, kind=kind)

    def evaluate(self, variables: Variables) -> Result:
        """What it gives for these variables. Raises ``ExpressionFault`` for an error, a wrong kind, or too much."""
        try:
            program = _program(self.source, self.kind)
            value = program.eval(variables.activation)
            return _RESULTS[self.kind](value)
        except _FAULTS as error:
            message = _first_line(error)
            raise ExpressionFault(message) from error


@lru_cache(maxsize=_REMEMBERED)
def _program(source: str, kind: Kind) -> cel.Expression:
    """The compiled program. A stored expression is checked like a new one: rows can be older than the rules."""
    Expression.compile(source, kind)
    return _ENVIRONMENT.compile(source)


def _first_line(error: Exception) -> str:
    """The engine's message without its drawing of the place. For admins: it can quote a claim, as a trace does."""
    line = str(error).partition("\n")[0].removeprefix("INVALID_ARGUMENT: ERROR: <input>:")
    return line[:200] or type(error).__name__


def _fault(value: cel.Value, kind: Kind) -> ExpressionFault:
    found = value.type().name()
    if found == "ERROR":
        return ExpressionFault(f"could not be evaluated: {_first_line(ValueError(value.plain_value()))}")
    return ExpressionFault(f"gave {found.lower()}; it must give {_EXPECTED[kind]}")


def _truth(value: cel.Value) -> bool:
    if value.type() != cel.Type.BOOL:
        raise _fault(value, Kind.CONDITION)
    return value.value() is True


def _texts(value: cel.Value, kind: Kind = Kind.SCOPES) -> list[str]:
    """The list of text. Each item is asked for its type: an error among them would read like text."""
    if value.type() != cel.Type.LIST:
        raise _fault(value, kind)
    items = value.value()
    if len(items) > MAX_ITEMS:
        message = f"gave a list of {len(items)}; at most {MAX_ITEMS} are taken"
        raise ExpressionFault(message)
    return [_text(item, MAX_ITEM_LENGTH) for item in items]


def _text(value: cel.Value, longest: int) -> str:
    if value.type() != cel.Type.STRING:
        raise _fault(value, Kind.CLAIM)
    text: str = value.value()
    if len(text) > longest or not text.isprintable():
        message = f"gave text that is longer than {longest} characters or not printable"
        raise ExpressionFault(message)
    return text


def _claim(value: cel.Value) -> Result:
    found = value.type()
    if found == cel.Type.STRING:
        return _text(value, MAX_TEXT_LENGTH)
    if found == cel.Type.BOOL:
        return _truth(value)
    if found != cel.Type.INT:
        return _texts(value, Kind.CLAIM)
    number: int = value.value()
    if abs(number) > LARGEST_INTEGER:
        message = "gave a whole number that JSON cannot hold exactly (RFC 8259 section 6)"
        raise ExpressionFault(message)
    return number


_RESULTS: Final[Mapping[Kind, Callable[[cel.Value], Result]]] = {
    Kind.CONDITION: _truth,
    Kind.SCOPES: _texts,
    Kind.CLAIM: _claim,
}
