"""What a change changes, field by field, as the plan prints it and the audit trail keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from partners.checking import write
from partners.keysets import named_keys

if TYPE_CHECKING:
    from audit.events import JSON
    from partners.declarations import Declared

Fields = tuple["FieldChange", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field's old and new value, in the notation of the documents. None: not set, or not there before."""

    field: str
    old: JSON
    new: JSON


def differences(before: Declared | None, after: Declared) -> Fields:
    """The fields that differ; for a new object, those that are not at their default."""
    old = write(before) if before else {}
    new = write(after, with_defaults=before is not None)
    return tuple(
        FieldChange(field=name, old=_shown(name, old.get(name)), new=_shown(name, value))
        for name, value in new.items()
        if old.get(name) != value
    )


def _shown(name: str, value: Any) -> JSON:  # noqa: ANN401 - a document's value
    """The value itself, but of a key set only what tells one key from another."""
    if name == "workload" and value:
        return {part: _shown(part, inner) for part, inner in value.items() if inner is not None}
    shown: JSON = list(named_keys(value["keys"])) if name == "jwks" and value else value
    return shown


def as_data(changes: Fields) -> dict[str, JSON]:
    """The changes as an event's data."""
    return {change.field: {"old": change.old, "new": change.new} for change in changes}
