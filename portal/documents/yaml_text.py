"""YAML as configuration needs it: plain values with the line each came from, and nothing that can surprise.

Read from the parser's events, not by its constructor: no tag makes an object, a key given twice is a fault and not a
silent winner, and ``no``, ``1_000`` and ``2027-01-01`` are the text they look like (the core schema of YAML 1.2). Size,
depth and the number of values are bounded, aliases counted as often as they expand (the "billion laughs" attack).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_DEPTH: Final = 20
MAX_VALUES: Final = 200_000

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)
_NUMBER: Final = re.compile(r"[-+]?([0-9]*\.[0-9]+|[0-9]+\.)([eE][-+]?[0-9]+)?", re.ASCII)
_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}
_TAGS: Final = {None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


class NotReadable(Exception):
    """The text is not YAML of the kind we read. ``line`` counts from one."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value with the line it begins on. Members are nodes themselves; ``size`` counts all of them."""

    value: str | int | float | bool | dict[str, Node] | list[Node] | None
    line: int
    size: int = 1

    def plain(self) -> Any:  # noqa: ANN401 - whatever the document holds
        """The value without its lines."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def find(self, path: tuple[str | int, ...]) -> Node:
        """The node at a path, or the last one on the way that exists: what is missing is missing there."""
        node = self
        for part in path:
            if isinstance(node.value, dict) and part in node.value:
                node = node.value[str(part)]
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
            else:
                break
        return node


def read(text: str) -> list[Node]:
    """The documents of a text, empty ones left out. Raises ``NotReadable``."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise NotReadable(1, f"The file is larger than {MAX_BYTES // 1024 // 1024} MiB. Split it.")
    try:
        return list(_documents(_Events(text)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotReadable(mark.line + 1 if mark else 1, f"This is not YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise NotReadable(1, f"This is not YAML: {error}.") from error


def _documents(events: _Events) -> Iterator[Node]:
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            events.anchors.clear()
            node = _node(events, next(events), 0)
            if node.value is not None:
                yield node


class _Events:
    """The parser's events one after the other, with the anchors of the document and the values counted so far."""

    def __init__(self, text: str) -> None:
        self._events = yaml.parse(text, Loader=_LOADER)
        self.anchors: dict[str, Node] = {}
        self.values = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:  # noqa: ANN401 - PyYAML's events
        return next(self._events)

    def count(self, line: int, values: int = 1) -> None:
        """More values were found; the whole must stay within bounds."""
        self.values += values
        if self.values > MAX_VALUES:
            raise NotReadable(line, f"The file expands to more than {MAX_VALUES} values. Split it.")


def _node(events: _Events, event: Any, depth: int) -> Node:  # noqa: ANN401
    line = event.start_mark.line + 1
    if depth > MAX_DEPTH:
        raise NotReadable(line, f"Values are nested more than {MAX_DEPTH} deep.")
    if isinstance(event, yaml.AliasEvent):
        return _alias(events, event.anchor, line)
    if event.tag not in _TAGS:
        raise NotReadable(line, f"The tag {event.tag} is not read here; write a plain value.")
    events.count(line)
    node = _new(events, event, depth, line)
    if event.anchor:
        events.anchors[event.anchor] = node
    return node


def _alias(events: _Events, anchor: str | None, line: int) -> Node:
    if anchor is None or anchor not in events.anchors:
        raise NotReadable(line, f"The alias *{anchor} has no anchor before it.")
    node = events.anchors[anchor]
    events.count(line, node.size)
    return node


def _new(events: _Events, event: Any, depth: int, line: int) -> Node:  # noqa: ANN401
    if isinstance(event, yaml.MappingStartEvent):
        members = dict(_members(events, depth))
        return Node(value=members, line=line, size=1 + sum(node.size for node in members.values()))
    if isinstance(event, yaml.SequenceStartEvent):
        items = list(_items(events, depth))
        return Node(value=items, line=line, size=1 + sum(node.size for node in items))
    text = _visible(event.value, line)
    return Node(value=scalar(text) if event.implicit[0] else text, line=line)


def _members(events: _Events, depth: int) -> Iterator[tuple[str, Node]]:
    seen: set[str] = set()
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            return
        line = event.start_mark.line + 1
        if not isinstance(event, yaml.ScalarEvent):
            raise NotReadable(line, "A key must be a plain name.")
        name = _visible(event.value, line)
        if name == "<<":
            raise NotReadable(line, "Merge keys (<<) are not read here; write the fields out.")
        if name in seen:
            raise NotReadable(line, f"The key {name!r} is given twice. Keep one.")
        seen.add(name)
        yield name, _node(events, next(events), depth + 1)


def _items(events: _Events, depth: int) -> Iterator[Node]:
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            return
        yield _node(events, event, depth + 1)


def scalar(text: str) -> str | float | bool | None:
    """What unquoted text means. Whoever writes YAML for this reader quotes the text that means something else."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _visible(text: str, line: int) -> str:
    """Text that the database and every page can hold: no NUL, no half of a surrogate pair."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise NotReadable(line, "The text holds a character that cannot be stored (NUL or a surrogate).")
    return text
