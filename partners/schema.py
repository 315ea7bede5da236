"""The declarations as a schema: which fields they have, how each is written, and what it refers to."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from enum import EnumType
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from partners.checking import write
from partners.notation import Notation, RefersTo
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from partners.declarations import Declared
    from partners.errors import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSchema:
    """One field. ``default`` is its value in Python, or ``MISSING`` where the field is required."""

    name: str
    kind: str
    expected: str
    description: str
    default: Any
    refers_to: Kind | None


def fields_of(declaration: type) -> tuple[FieldSchema, ...]:
    """The fields of a kind of declaration, in the order of the documents."""
    hints = get_type_hints(declaration, include_extras=True)
    return tuple(_field(item.name, hints[item.name], _default(item)) for item in fields(declaration))


def references(declared: Declared) -> Iterator[tuple[Path, Kind, str]]:
    """What a declaration refers to: the path of the field, the kind of object, and its name."""
    document = write(declared)
    for field in fields_of(type(declared)):
        value = document[field.name]
        if field.refers_to is None or value is None:
            continue
        if isinstance(value, list):
            yield from (((field.name, index), field.refers_to, name) for index, name in enumerate(value))
        else:
            yield (field.name,), field.refers_to, value


def _default(item: Any) -> Any:  # noqa: ANN401 - of any type
    return item.default_factory() if item.default_factory is not MISSING else item.default


def _field(name: str, hint: Any, default: Any) -> FieldSchema:  # noqa: ANN401
    marks = list(_marks(hint))
    info = next(mark for mark in marks if isinstance(mark, FieldInfo))
    reference = next((mark for mark in marks if isinstance(mark, RefersTo)), None)
    kind, expected = _notation(hint)
    return FieldSchema(
        name=name,
        kind=kind,
        expected=expected,
        description=info.description or "",
        default=default,
        refers_to=Kind(reference.kind) if reference else None,
    )


def _marks(hint: Any) -> Iterator[Any]:  # noqa: ANN401 - a type hint
    """Everything ``Annotated`` says in a hint, outermost first."""
    if get_origin(hint) is Annotated:
        yield from hint.__metadata__
    for part in get_args(hint):
        if not isinstance(part, str):
            yield from _marks(part)


def _words(words: Any) -> list[str]:  # noqa: ANN401 - an enumeration
    return [str(word.value) for word in words]


def _notation(hint: Any) -> tuple[str, str]:  # noqa: ANN401 - a type hint
    """How a value is written, and its limits."""
    if get_origin(hint) is Annotated:
        notation = next((mark for mark in hint.__metadata__ if isinstance(mark, Notation)), None)
        return (notation.kind, notation.expected) if notation else _notation(get_args(hint)[0])
    if isinstance(hint, EnumType):
        return "word", "one of " + ", ".join(f"`{word}`" for word in _words(hint))
    if not get_args(hint):
        return "mapping", "the fields below"
    parts = [part for part in get_args(hint) if part not in {type(None), Ellipsis}]
    kind, expected = _notation(parts[-1])
    if len(parts) > 1:
        return f"mapping to {kind}", expected
    return (f"list of {kind}", expected) if get_origin(hint) is tuple else (kind, expected)
