"""JSON as tokens need it (RFC 8259 section 4, RFC 8725bis section 3.14): one object, no member twice.

Parsers disagree about a repeated member (the first wins, or the last), so a token with one can mean two things to two
verifiers. Refusing it closes that gap.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

import orjson

if TYPE_CHECKING:
    from policy.tokens import JSON

MAX_DEPTH: Final = 16
_QUOTE, _BACKSLASH = b'"\\'
_SPACED_COLON: Final = re.compile(rb'"[ \t\n\r]')


class NotStrictJson(ValueError):
    """The text is not one JSON object with unique members."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson("a member appears twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise NotStrictJson(f"{name} is not JSON")


_decoder: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)


def parse_object(text: bytes) -> dict[str, JSON]:
    """The object in ``text``. Raises ``NotStrictJson`` for anything else.

    ``orjson`` reads it first (strict UTF-8, no NaN, no lone surrogates, bounded depth). When the number of ``":``
    equals the number of members and no blank may stand before a colon, no member can be hidden; only otherwise is the
    slower, counting parser needed.
    """
    if text.count(b"{") + text.count(b"[") > MAX_DEPTH:
        _check_depth(text)
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotStrictJson("not JSON") from error
    if not isinstance(parsed, dict):
        raise NotStrictJson("not an object")
    if text.count(b'":') != len(parsed) or _SPACED_COLON.search(text) is not None:
        _check_members(text)
    return parsed


def _check_members(text: bytes) -> None:
    try:
        _decoder.decode(text.decode())
    except ValueError as error:  # an integer of thousands of digits, besides what the decoder itself refuses
        raise NotStrictJson(str(error)) from error


def _check_depth(text: bytes) -> None:
    """Nesting deeper than any token of this world needs is refused before a recursive parser sees it."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in text:
        if in_string:
            escaped, in_string = byte == _BACKSLASH and not escaped, byte != _QUOTE or escaped
        elif byte == _QUOTE:
            in_string = True
        elif byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    if deepest > MAX_DEPTH:
        raise NotStrictJson(f"nested more than {MAX_DEPTH} deep")
