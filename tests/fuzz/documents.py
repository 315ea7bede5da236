"""Strict JSON beside Python's own parser: the same object, or a refusal for a reason that is written down."""

from __future__ import annotations

import json
from typing import Any, Final

from exchange.protocol.strict_json import MAX_DEPTH, NotStrictJson, parse_object

WORDS: Final = (
    *('{"', '":', '" :', '"\\n:', '\\":', '"a":1', ',"a":2', "{}", "[]", "[[[[", "]]]]", '\\\\"', "\\u0061", "\\ud800"),
    *("1e400", "-0", "1E+2", "18446744073709551616", "NaN", "-Infinity", "true", "false", "null", "\\xef\\xbb\\xbf"),
)


class Strange(ValueError):
    """The reference found what strict JSON has not."""


def seeds() -> list[bytes]:
    """Objects as tokens have them, and ones that parsers read differently."""
    texts = (
        '{"iss":"https://a.example","aud":["b","c"],"exp":1935748800,"act":{"sub":"d","act":{"sub":"e"}}}',
        '{"a":1,"a":2}',
        '{"a" : {"a":1, "b":[{"a":2}]}, "\\"a\\":": ":"}',
        '{"n":[0,-0,1.5,1e3,1E-400,18446744073709551616,9007199254740993]}',
        '{"t":["\\u00e9","\\ud83d\\ude00","\\u0000","é"]}',
        '{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH,
        '{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1),
        '{"\\u0061":1,"a":2}',
    )
    return [text.encode() for text in texts]


def one(data: bytes) -> None:
    """One text, read by both."""
    try:
        ours = parse_object(data)
    except NotStrictJson:
        assert not _is_strict(data), "the reference takes it as it is"
        return
    assert _same(ours, json.loads(data.decode(), object_pairs_hook=_once)), "read differently"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise Strange
    return dict(pairs)


def _number(digits: str) -> float:
    """A number as any parser can hold it; beyond that, parsers differ and either answer will do."""
    value = float(digits)
    if abs(value) >= 2**53 or value != value or len(digits) > 20:  # noqa: PLR0124 - not a number
        raise Strange
    return value


def _refuse(constant: str) -> float:
    raise Strange(constant)


def _is_strict(data: bytes) -> bool:
    """Whether nobody could doubt that this is one object with unique members."""
    try:
        found = json.loads(
            data.decode(), object_pairs_hook=_once, parse_int=_number, parse_float=_number, parse_constant=_refuse
        )
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and _depth(found) <= MAX_DEPTH


def _depth(value: Any) -> int:
    if isinstance(value, dict | list):
        return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)
    return 0


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, dict):
        return (
            isinstance(ours, dict)
            and ours.keys() == theirs.keys()
            and all(_same(ours[name], value) for name, value in theirs.items())
        )
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if isinstance(theirs, bool) or not isinstance(theirs, int):
        return type(ours) is type(theirs) and bool(ours == theirs)
    return type(ours) in {int, float} and bool(ours == theirs or ours == float(theirs))
