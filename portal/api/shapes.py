"""The shapes of bodies and answers as JSON Schema, made from the declarations: what they check is what is described."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from partners import states
from partners.declarations import KINDS
from partners.notation import format_duration
from partners.vocabulary import Kind
from portal.api import asked_shapes, body_shapes, care_shapes, partner_side_shapes, people_shapes, tried_shapes
from portal.api.examples import EXAMPLES
from portal.api.objects import LEFT_OUT
from portal.api.schema_words import DURATION, ID, INSTANT, MAYBE, TEXT, Schema, closed, listed, ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import TextChoices

__all__ = ["all_shapes", "closed", "listed", "ref"]

_FIXED: Final[Mapping[Kind, str]] = {Kind.TRUST: "partner", Kind.MAPPING: "partner"}
"""What the address says, so that a body need not."""


def all_shapes() -> dict[str, Schema]:
    """Every shape by its name."""
    shapes: dict[str, Schema] = {**_OWN}
    for kind in Kind:
        shapes |= _of_kind(kind)
    for name, own in (("NewMapping", "NewOwnMapping"), ("MappingChange", "OwnMappingChange")):
        shapes[own] = shapes[name] | {"examples": [EXAMPLES[own]]}
    return dict(sorted(shapes.items()))


def _of_kind(kind: Kind) -> dict[str, Schema]:
    """An object as it is shown, as it is made, and as it is changed; and the shapes within it."""
    declared = _plain(TypeAdapter(KINDS[kind]).json_schema(ref_template="#/components/schemas/{model}"))
    inner = declared.pop("$defs", {})
    left_out = LEFT_OUT.get(kind, frozenset())
    fields = {name: field for name, field in declared["properties"].items() if name not in left_out}
    fixed = _FIXED.get(kind, "")
    required = [name for name in declared["required"] if name != fixed]
    new = closed(fields) | {"required": required, "description": declared.get("description", "")}
    changes = {name: _nullable(field) for name, field in fields.items()}
    shapes = {name: shape for name, shape in inner.items() if name != "PartnerState"}
    shapes[kind.value] = closed(_shown(kind, fields))
    shapes[f"New{kind}"] = new | {"examples": [EXAMPLES[f"New{kind}"]]}
    shapes[f"{kind}Change"] = closed(changes, *changes) | {"examples": [EXAMPLES[f"{kind}Change"]]}
    return shapes


def _shown(kind: Kind, fields: Mapping[str, Schema]) -> dict[str, Schema]:
    """The members of an answer: always all of them, so that a reader never has to know a default."""
    told = {name: {key: part for key, part in field.items() if key != "default"} for name, field in fields.items()}
    state: Schema = {"type": "string", "enum": sorted(_STATES[kind])}
    return {"id": ID, **told, "state": state, **_MORE.get(kind, {}), "created_at": INSTANT, "updated_at": INSTANT}


def _nullable(field: Schema) -> Schema:
    """A member of a change: null takes it back to its default (RFC 7396)."""
    said = {key: part for key, part in field.items() if key != "default"}
    return said if {"type": "null"} in said.get("anyOf", ()) else {"anyOf": [said, {"type": "null"}]}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of JSON
    """Shapes as they are on the wire: durations in our notation, names without the word for declarations."""
    if isinstance(value, dict):
        if value.get("format") == "duration":
            return _duration(value)
        return {_name(key): _plain(item) for key, item in value.items() if key != "title" or not isinstance(item, str)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return _name(value) if isinstance(value, str) else value


def _duration(schema: Schema) -> Schema:
    """A length of time as bodies write it, its default too."""
    said = {key: part for key, part in schema.items() if key not in {"format", "title"}}
    if "default" in said:
        said["default"] = format_duration(TypeAdapter(timedelta).validate_python(said["default"]))
    return {**said, **DURATION}


def _name(text: str) -> str:
    return text.replace("#/components/schemas/Declared", "#/components/schemas/").removeprefix("Declared")


def _words(choices: type[TextChoices]) -> list[str]:
    return [str(word) for word in choices.values]


_STATES: Final[Mapping[Kind, list[str]]] = {
    Kind.PARTNER: _words(states.PartnerState),
    Kind.CLIENT: _words(states.ClientState),
    Kind.TRUST: _words(states.TrustState),
    Kind.MAPPING: _words(states.MappingState),
    Kind.TARGET: ["active", "inactive"],
}
_SECRET: Final = closed(
    {"slot": {"type": "integer", "enum": [1, 2]}, "created_at": INSTANT, "expires_at": {"type": ["string", "null"]}}
)
_MORE: Final[Mapping[Kind, dict[str, Schema]]] = {
    Kind.CLIENT: {"secrets": {"type": "array", "items": _SECRET}},
    Kind.TRUST: {"has_introspection_secret": {"type": "boolean", "description": "Never the secret itself."}},
    Kind.MAPPING: {"version": {"type": "integer", "minimum": 1}, "author": TEXT},
}
_ENTRY: Final[dict[str, Schema]] = {
    "id": ID,
    "reference": ID,
    "at": INSTANT,
    "outcome": {"type": "string", "enum": ["granted", "refused", "failed"]},
    "reason": MAYBE,
    "partner": MAYBE,
    "client": MAYBE,
    "target": MAYBE,
}
_STEP: Final = closed({name: {} for name in ("rule", "verdict", "expected", "received")}, "received", "expected")
_PROBLEM: Final[dict[str, Schema]] = {
    "type": TEXT,
    "title": TEXT,
    "status": {"type": "integer"},
    "code": TEXT | {"description": "Stable: what a program goes by."},
    "detail": TEXT | {"description": "What happened, why, and what to do, for people."},
    "reference": ID | {"description": "What the call is found by in the portal."},
}
_FIELD: Final = closed({"field": TEXT, "expected": TEXT, "came": TEXT})
_OWN: Final[Mapping[str, Schema]] = {
    **people_shapes.SHAPES,
    **body_shapes.SHAPES,
    **tried_shapes.SHAPES,
    **asked_shapes.SHAPES,
    **care_shapes.SHAPES,
    **partner_side_shapes.SHAPES,
    "Exchange": closed(_ENTRY),
    "ExchangeTold": closed({**_ENTRY, "steps": {"type": "array", "items": _STEP}, "facts": {"type": "object"}}),
    "Me": closed(
        {
            "kind": {"type": "string", "enum": ["user", "client"]},
            "name": TEXT,
            "client": MAYBE,
            "roles": {"type": "array", "items": TEXT},
            "scopes": {"type": ["array", "null"], "items": TEXT},
            "permissions": {"type": "array", "items": TEXT},
        }
    ),
    "ClientWithSecret": {
        "allOf": [{"type": "object", "required": ["secret"], "properties": {"secret": MAYBE, "id": ID}}],
        "description": "The client, and beside it the secret: shown once, null where the answer is given again.",
        "type": "object",
    },
    "Description": {"type": "object", "description": "This document."},
    "Problem": {"type": "object", "properties": {**_PROBLEM, "fields": {"type": "array", "items": _FIELD}}}
    | {"required": list(_PROBLEM), "description": "RFC 9457."},
}
