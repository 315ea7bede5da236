"""The calls of the API as its description has them: where each goes, a right body, and every place in that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from portal.api import description

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

RIGHT: Final[dict[str, dict[str, Any]]] = {
    "Rule": {"claim": "tier", "operator": "equals", "value": "gold"},
    "Scope": {"description": "Read entries.", "risk": "low"},
    "Introspection": {"endpoint": "https://idp.kestrel.example/introspect", "client_id": "handover"},
    "Workload": {
        "issuer": "https://platform.example",
        "rules": [{"claim": "sub", "operator": "equals", "value": "x"}],
        "audiences": ["https://handover.meridian.example"],
    },
}
"""A right value of each shape within bodies."""
REFERRED_TO: Final[tuple[tuple[str, Any], ...]] = (
    ("partner", "kestrel"),
    ("trust", "kestrel-idp"),
    ("target", "ledger-api"),
    ("audience", ["https://ledger.meridian.example"]),
    ("audience", "https://other.meridian.example"),
    ("client", "kestrel-settlement"),
)
"""What bodies refer to, as it is called in the organisation under test; the audience of a new target is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call with a body: where it goes, a body that is right, and every place in it."""

    path: str
    method: str
    example: dict[str, Any]
    places: tuple[Path, ...]


@cache
def document() -> dict[str, Any]:
    return description.document()


def paths() -> dict[str, Any]:
    found: dict[str, Any] = document()["paths"]
    return found


def operations() -> Iterator[Operation]:
    shapes = document()["components"]["schemas"]
    for path, item in paths().items():
        for method, operation in item.items():
            if "requestBody" in operation:
                ref = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                shape = shapes[ref.rpartition("/")[2]]
                found = tuple(places(shapes, shape, ()))
                example = shape["examples"][0]
                known = {name: value for name, value in REFERRED_TO if type(example.get(name)) is type(value)}
                yield Operation(path=path, method=method.upper(), example={**example, **known}, places=found)


def places(shapes: dict[str, Any], shape: dict[str, Any], above: Path) -> Iterator[Path]:
    """Every member of a shape, and what is within it: items of lists, values of mappings, members of objects."""
    for name, member in shape.get("properties", {}).items():
        yield (*above, name)
        yield from within(shapes, member, (*above, name))


def within(shapes: dict[str, Any], shape: dict[str, Any], above: Path) -> Iterator[Path]:
    for way in shape.get("anyOf", [shape]):
        if "$ref" in way:
            yield from places(shapes, shapes[way["$ref"].rpartition("/")[2]], above)
        elif "items" in way:
            yield (*above, 0)
            yield from within(shapes, way["items"], (*above, 0))
        elif isinstance(way.get("additionalProperties"), dict):
            yield (*above, "key")
            yield from within(shapes, way["additionalProperties"], (*above, "key"))


def written_as(path: Path) -> str:
    """A place as problems name it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def put(into: Any, path: Path, value: Any) -> Any:
    """A body with a value at a place; what is missing on the way there is made, and right."""
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        return [put(into[0] if isinstance(into, list) and into else None, rest, value)]
    there = into if isinstance(into, dict) and into else sample(part)
    return {**there, part: put(there.get(part), rest, value)}


def sample(member: str) -> dict[str, Any]:
    """The right value of the shape within bodies that has this member."""
    shapes = document()["components"]["schemas"]
    return next((right for name, right in RIGHT.items() if member in shapes[name]["properties"]), {})


def with_field(name: str) -> Iterator[tuple[str, str, dict[str, Any], str | None]]:
    """Every call whose header may hold a field: address, method, that field, and a right body where it has one."""
    bodies = {(it.path, it.method): it.example for it in operations()}
    for path, item in paths().items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == name:
                    body = bodies.get((path, method.upper()))
                    yield path, method.upper(), parameter, None if body is None else json.dumps(body)
