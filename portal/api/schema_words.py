"""The words that shapes are written in: JSON Schema as the description of the API uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
ID: Final[Schema] = {"type": "string", "format": "uuid"}
INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}
MAYBE: Final[Schema] = {"type": ["string", "null"]}
MAYBE_INSTANT: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
DAY: Final[Schema] = {"type": "string", "format": "date"}
DURATION: Final[Schema] = {"type": "string", "pattern": "^[0-9]{1,9}[smhd]$", "examples": ["5m"]}
YES_OR_NO: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
NAMES: Final[Schema] = {"type": "array", "items": TEXT}


def word(words: Iterable[Any], description: str = "") -> Schema:
    """One of a few words."""
    return {"type": "string", "enum": sorted(map(str, words))} | ({"description": description} if description else {})


def ref(name: str) -> Schema:
    """A reference to a shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def many(schema: Schema) -> Schema:
    """A list of things of one shape."""
    return {"type": "array", "items": schema}


def closed(properties: Mapping[str, Schema], *optional: str) -> Schema:
    """An object of these members and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


def listed(name: str) -> Schema:
    """A part of a list of objects of one shape."""
    cursor = MAYBE | {"description": "The cursor of what comes next; null at the end."}
    return closed({"items": many(ref(name)), "next": cursor})
