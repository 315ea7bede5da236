"""The mapping language: what is offered compiles or says why not, and evaluates in bounded time, or faults."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import orjson

from policy.expression_grammar import FUNCTIONS, METHODS, VARIABLES, ExpressionError
from policy.expressions import Expression, ExpressionFault, Kind, Variables

if TYPE_CHECKING:
    from policy.expressions import Result

WRITTEN: Final = b"="
"""Begins an input that is an expression's text; in any other each byte is a word of the language. Claims follow."""
CLAIMS: Final = b"\0"
WORDS: Final = (
    *sorted(f"{name}(" for name in FUNCTIONS),
    *sorted(f".{name}(" for name in METHODS),
    *sorted(VARIABLES),
    *("claims.roles", "claims.tier", "claims.n", "claims.wide", "r", "r,", "(", ")", "[", "]", "'a'", '""', "0", "1"),
    *(" in ", " && ", " || ", "!", " == ", " != ", " < ", " >= ", " + ", " - ", " ? ", " : ", ".", ",", "true", "null"),
    *(
        "9223372036854775807",
        "'\\\\u0000'",
        "[r]",
        ".map(r, ",
        ".filter(r, ",
        "scopes.exists(r, ",
        "-",
        "claims['tier']",
    ),
)
LARGE: Final[dict[str, Any]] = {
    "tier": "gold " * 300,
    "roles": [f"role-{number}" for number in range(500)],
    "wide": {str(number): [number, {"a": "b"}] for number in range(200)},
    "n": 7,
}
SMALL: Final[dict[str, Any]] = {"tier": "gold", "roles": ["ledger.read", "ops"], "wide": {"a": [1, "b"]}, "n": 7}
_KINDS: Final = tuple(Kind)
MOST_UNITS: Final = 200.0


def _unit() -> float:
    """What a fixed piece of work costs here and now, in seconds of this thread's processor time: the least of five."""
    costs = []
    for _ in range(5):
        began = time.thread_time()
        sum(range(500_000))
        costs.append(time.thread_time() - began)
    return min(costs)


_UNIT: Final = _unit()


def seeds() -> list[bytes]:
    """Expressions as they are written; the corpus in the repository has more."""
    return [
        b"=claims.tier == 'gold' && 'a' in scopes\0{\"tier\":\"gold\"}",
        b"=claims.roles.filter(r, r.startsWith('ledger.')).map(r, r.substring(7))",
        b"=has(claims.n) ? string(claims.n + 1) : claims.tier.lowerAscii()",
        b"=claims.tier.split(' ').exists_one(r, r.size() > 3) || !(client in claims.roles)",
        bytes(range(64)),
    ]


def one(data: bytes) -> None:
    """One expression, for each use that it may have, over the claims of the input, or small ones, or large ones."""
    source, claims = _read(data)
    told: list[str] = []
    began = time.thread_time()
    for kind in _KINDS:
        try:
            expression = Expression.compile(source, kind)
            _check(expression.evaluate(Variables(claims, {"sub": "a"}, "gateway", {"a", "b"})), kind)
        except (ExpressionError, ExpressionFault) as error:
            told.append(str(error))
    assert all(told), "a fault without words"
    spent = (time.thread_time() - began) / _UNIT
    assert spent < MOST_UNITS, f"{spent:.0f} units of processor time"


def _read(data: bytes) -> tuple[str, dict[str, Any]]:
    written, are_given, text = data.partition(CLAIMS)
    if written.startswith(WRITTEN):
        source = written[len(WRITTEN) :].decode("utf-8", "surrogateescape")
    else:
        source = "".join(WORDS[byte % len(WORDS)] for byte in written)
    try:
        claims = orjson.loads(text)
    except orjson.JSONDecodeError:
        return source, LARGE if are_given else SMALL
    return source, claims if isinstance(claims, dict) else {"tier": claims}


def _check(result: Result, kind: Kind) -> None:
    if kind is Kind.CONDITION:
        assert isinstance(result, bool)
    elif isinstance(result, list):
        assert all(item.isprintable() for item in result)
    else:
        assert kind is Kind.CLAIM
        assert isinstance(result, bool | int | str)
