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
    old = summary(before) if before else {}
    new = summary(after, with_defaults=before is not None)
    return tuple(
        FieldChange(field=name, old=old.get(name), new=value) for name, value in new.items() if old.get(name) != value
    )


def summary(declared: Declared, *, with_defaults: bool = True) -> dict[str, Any]:
    """The declaration as a document, with a key set cut down to what tells one key from another."""
    document = write(declared, with_defaults=with_defaults)
    if document.get("jwks"):
        document["jwks"] = list(named_keys(document["jwks"]["keys"]))
    return document


def as_data(changes: Fields) -> dict[str, JSON]:
    """The changes as an event's data."""
    return {change.field: {"old": change.old, "new": change.new} for change in changes}
