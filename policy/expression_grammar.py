"""The part of CEL that is offered: a closed list of names, one level of iteration, nothing that can grow.

The engine bounds recursion and iterations, but not memory: a chain of ``replace`` makes a terabyte out of one byte,
and a loop inside a loop costs the square of what a partner sends. So an expression is read token by token before the
engine sees it, and whatever is not listed here is refused. What is left costs time and memory in proportion to the
claims (CWE-400, CWE-1333). ``matches`` is left out on purpose: CEL's finds its pattern anywhere in the text, which lets
``not-gold`` pass for ``gold``; a rule with the operator ``matches`` compares the whole value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import re2

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SOURCE_BYTES: Final = 2048
MAX_MENTIONS: Final = 20
"""How often variables may be named: what an expression can build is at most so many times what came in."""
MAX_ITERATED: Final = 100
"""How many words and signs may stand inside iterations: they are worked out for every item."""

VARIABLES: Final = frozenset({"claims", "actor", "client", "scopes"})
FUNCTIONS: Final = frozenset({"has", "int", "size", "string"})
ITERATIONS: Final = frozenset({"all", "exists", "exists_one", "filter", "map"})
METHODS: Final = ITERATIONS | {
    "contains",
    "endsWith",
    "indexOf",
    "lastIndexOf",
    "lowerAscii",
    "size",
    "split",
    "startsWith",
    "substring",
    "trim",
    "upperAscii",
}
_WORDS: Final = frozenset({"true", "false", "null", "in"})
_BLANKS: Final = " \t\r\n"
_TOKEN: Final = re2.compile(
    r"""(?P<blank>[ \t\r\n]+)"""
    r"""|(?P<text>"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*')"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<number>[0-9]+)"""
    r"""|(?P<mark>&&|\|\||[=!<>]=|[][<>!?:(),.+-])"""
)


class ExpressionError(ValueError):
    """An expression that cannot be saved. The message says what happened and what to write instead."""


class _Token(NamedTuple):
    kind: str
    text: str
    follows_blank: bool

    @property
    def ends_value(self) -> bool:
        return self.text in {")", "]"} or self.kind == "text" or (self.kind == "name" and self.text not in _WORDS)


_EDGE: Final = _Token("edge", "", follows_blank=True)


def require_offered(source: str) -> None:
    """Raises ``ExpressionError`` unless the expression is written in the part of CEL that is offered."""
    if len(source.encode("utf-8", "surrogatepass")) > MAX_SOURCE_BYTES:
        message = f"the expression is longer than {MAX_SOURCE_BYTES} bytes; write several mappings instead"
        raise ExpressionError(message)
    tokens = [_EDGE, *_tokens(source), _EDGE]
    reader = _Reader()
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        reader.read(before, token, after)
    many = f"variables are named {reader.mentions} times; name them at most {MAX_MENTIONS} times"
    _require(reader.mentions <= MAX_MENTIONS, many)
    long = f"{reader.iterated} words and signs stand inside iterations; at most {MAX_ITERATED} may"
    _require(reader.iterated <= MAX_ITERATED, long)


def _tokens(source: str) -> Iterator[_Token]:
    if not all(character.isprintable() or character in _BLANKS for character in source):
        message = "the expression holds a control character; write visible characters only"
        raise ExpressionError(message)
    place, follows_blank = 0, False
    while place < len(source):
        found = _TOKEN.match(source, place)
        if found is None:
            message = f"{source[place]!r} is not part of the language offered here"
            raise ExpressionError(message)
        place = found.end()
        if found.lastgroup != "blank":
            yield _Token(found.lastgroup, found.group(), follows_blank)
        follows_blank = found.lastgroup == "blank"


class _Reader:
    """Reads the tokens of one expression in order, and knows which brackets are open and what they belong to."""

    __slots__ = ("_begins", "_maps", "_open", "_variable", "iterated", "mentions")

    def __init__(self) -> None:
        self.mentions = 0
        self.iterated = 0
        self._maps = 0
        self._open: list[str] = []
        self._begins = ""
        self._variable = ""

    def read(self, before: _Token, token: _Token, after: _Token) -> None:
        """One token between its neighbours. Raises ``ExpressionError``."""
        self.iterated += self._is_iterating
        if token.kind == "name":
            self._name(before, token.text, after.text)
        elif token.kind == "text":
            is_plain = before.kind != "text" and (token.follows_blank or before.kind != "name")
            _require(is_plain, f"the text {token.text} must stand in plain quotes, without a prefix, once")
        elif token.text == ".":
            _require(before.ends_value, "a dot must follow a variable, a member or a bracket; numbers are whole")
        elif token.text in {"(", "["}:
            self._open.append(self._begins or token.text)
            self._begins = ""
        elif token.text in {")", "]"}:
            _require(bool(self._open), "a bracket is closed that was not opened")
            if self._open.pop() in ITERATIONS:
                self._variable = ""

    @property
    def _is_iterating(self) -> bool:
        return not ITERATIONS.isdisjoint(self._open)

    def _name(self, before: _Token, name: str, after: str) -> None:
        if before.text == ".":
            if after == "(":
                self._method(name)
        elif after == "(" and name not in _WORDS:
            _require(name in FUNCTIONS, f"{name}() is not offered; use {_listed(FUNCTIONS)}")
        elif before.text == "(" and not self._variable and self._open[-1] in ITERATIONS:
            is_own = after == "," and name not in VARIABLES | _WORDS
            _require(is_own, f"an iteration begins with a name of its own and a comma; {name} came")
            self._variable = name
        elif name not in _WORDS:
            self._mention(name)

    def _method(self, name: str) -> None:
        _require(name in METHODS, f".{name}() is not offered; use {_listed(METHODS)}")
        if name in ITERATIONS:
            _require(not self._is_iterating, f".{name}() stands inside another iteration; one level is allowed")
            self._maps += name == "map"
            _require(self._maps <= 1, "map is used twice; once is allowed")
            self._begins = name

    def _mention(self, name: str) -> None:
        self.mentions += 1
        if name != self._variable:
            _require(name in VARIABLES, f"{name} is not a variable; use {_listed(VARIABLES)}, or quotes around text")
            is_linear = name == "client" or not self._is_iterating
            _require(is_linear, f"{name} stands inside an iteration; only its own variable and client may")


def _require(is_right: bool, message: str) -> None:  # noqa: FBT001 - the condition is what it is about
    if not is_right:
        raise ExpressionError(message)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
