"""What applying documents does: one line per object, with each field's old and new value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from partners.services import FieldChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from partners.inventory import Key

LONGEST_SHOWN = 100


class Action(StrEnum):
    """What becomes of one object."""

    CREATE = "create"
    CHANGE = "change"
    UNCHANGED = "unchanged"
    SUSPEND = "suspend"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One object's part of a plan."""

    action: Action
    key: Key
    fields: tuple[FieldChange, ...]

    @property
    def subject(self) -> str:
        """The object in words, with its partner where its name needs one."""
        return named(self.key)

    def lines(self) -> Iterator[str]:
        """The step as it is printed."""
        yield f"{self.action:9} {self.subject}"
        if self.action in {Action.CREATE, Action.CHANGE}:
            for change in self.fields:
                old = "" if self.action is Action.CREATE else f"{shown(change.old)} -> "
                yield f"            {change.field}: {old}{shown(change.new)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All steps in the order in which they are taken, and notes for a person to think about."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...]

    @property
    def has_changes(self) -> bool:
        """Whether anything differs from what is in force."""
        return any(step.action is not Action.UNCHANGED for step in self.steps)

    def lines(self) -> Iterator[str]:
        """The plan as it is printed, with a summary at the end."""
        for step in self.steps:
            yield from step.lines()
        for note in self.notes:
            yield f"note      {note}"
        counts = [(action, sum(step.action is action for step in self.steps)) for action in Action]
        yield ", ".join(f"{count} to {action}" for action, count in counts if count and action != Action.UNCHANGED) or (
            "Nothing to change."
        )

    def document(self) -> dict[str, Any]:
        """The plan for scripts (``--json``)."""
        return {
            "changes": [
                {
                    "action": step.action.value,
                    "kind": step.key[0].value,
                    "partner": step.key[1] or None,
                    "name": step.key[2],
                    "fields": [{"field": item.field, "old": item.old, "new": item.new} for item in step.fields],
                }
                for step in self.steps
            ],
            "notes": list(self.notes),
        }


def merged(changes: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    """Several changes of one field as one, from its first old to its last new value."""
    fields: dict[str, FieldChange] = {}
    for change in changes:
        first = fields.get(change.field, change)
        fields[change.field] = FieldChange(field=change.field, old=first.old, new=change.new)
    return tuple(fields.values())


def named(key: Key) -> str:
    """An object in words, with its partner where its name needs one."""
    kind, partner, name = key
    return f"{kind} {partner}/{name}" if partner else f"{kind} {name}"


def shown(value: object) -> str:
    """A value as plans print it, cut short."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
