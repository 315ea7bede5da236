"""How files and database differ, both ways: what is otherwise, what is in the files alone, what is in force alone.

The first two are what applying the files would do, found by a rehearsal of it, so that drift and plan cannot disagree.
The third is what no file names any more, or never did: somebody made it on a page or by a call.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from partners import inventory
from partners.vocabulary import Kind
from portal.documents.applying import Options, apply
from portal.documents.plan import Action, named, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audit.events import Actor
    from partners.inventory import Found, Key
    from partners.services import FieldChange
    from portal.documents.reading import Document


class Side(StrEnum):
    """Where an object stands, and how the other side has it."""

    DIFFERS = "differs"
    ONLY_IN_FILES = "only in files"
    ONLY_IN_FORCE = "only in force"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One object that the two have otherwise, or that one of them lacks. ``fields``: old is in force, new in a file."""

    side: Side
    key: Key
    fields: tuple[FieldChange, ...] = ()

    def lines(self) -> Iterator[str]:
        """The difference as it is printed."""
        yield f"{self.side:13} {named(self.key)}"
        if self.side is Side.DIFFERS:
            for field in self.fields:
                yield f"              {field.field}: {shown(field.old)} in force, {shown(field.new)} in the files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Every difference, in the order in which objects are written."""

    differences: tuple[Difference, ...]

    def lines(self) -> Iterator[str]:
        """The drift as it is printed, with a summary at the end."""
        for difference in self.differences:
            yield from difference.lines()
        counts = [(side, sum(item.side is side for item in self.differences)) for side in Side]
        yield ", ".join(f"{count} {side}" for side, count in counts if count) or "Files and database say the same."

    def document(self) -> dict[str, Any]:
        """The drift for scripts (``--json``)."""
        return {
            "differences": [
                {
                    "side": item.side.value,
                    "kind": item.key[0].value,
                    "partner": item.key[1] or None,
                    "name": item.key[2],
                    "fields": [
                        {"field": field.field, "in_force": field.old, "in_files": field.new} for field in item.fields
                    ],
                }
                for item in self.differences
            ]
        }


def drift(documents: Sequence[Document], actor: Actor, *, partner: str = "") -> Drift:
    """How the documents and what is in force differ; of one partner, where it is named. Writes nothing.

    Raises ``DocumentsRefused`` where the documents could not be applied.
    """
    plan = apply(documents, actor, Options(reinstates=True, is_rehearsal=True))
    found = [
        Difference(side=_SIDES[step.action], key=step.key, fields=step.fields)
        for step in plan.steps
        if step.action in _SIDES
    ]
    declared = {document.key for document in documents}
    known = inventory.of_partner(partner) if partner else inventory.everything()
    found += [Difference(side=Side.ONLY_IN_FORCE, key=key) for key in _undeclared(known, declared)]
    order = list(Kind)
    found.sort(key=lambda item: (order.index(item.key[0]), item.key))
    return Drift(differences=tuple(found))


_SIDES = {Action.CHANGE: Side.DIFFERS, Action.CREATE: Side.ONLY_IN_FILES}


def _undeclared(known: Mapping[Key, Found], declared: set[Key]) -> Iterator[Key]:
    """What a file ought to name: not what is suspended or offboarded, which a file need not (``inventory.Found``)."""
    for key, found in known.items():
        if key not in declared and found.is_in_use:
            yield key
