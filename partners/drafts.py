"""Mappings as they are being written: the draft of a name, the versions it can be compared with, and its stamp.

A stamp names what somebody saw when they began to write: the draft as it was saved, or the version it would follow.
Whoever saves or publishes under another stamp than the present one would overwrite what they never saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from partners import inventory, models
from partners.checking import write
from partners.states import MappingState, PartnerState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from partners.declarations import Declared, DeclaredMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One version of a mapping as a declaration, with who wrote it and when it was last saved."""

    id: UUID
    declared: DeclaredMapping
    version: int
    state: str
    author: str
    saved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Everything there is under one name of a mapping, newest first, and the stamp of its present condition."""

    versions: tuple[Written, ...]
    stamp: str

    @property
    def draft(self) -> Written | None:
        """What is being written, where something is."""
        return next((version for version in self.versions if version.state == MappingState.DRAFT), None)

    @property
    def current(self) -> Written | None:
        """What is in force, where something is."""
        return next((version for version in self.versions if version.state == MappingState.PUBLISHED), None)

    def version(self, number: int) -> Written | None:
        """The version of this number."""
        return next((version for version in self.versions if version.version == number), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One field of two versions, in the notation of the documents."""

    field: str
    before: Any
    after: Any

    @property
    def differs(self) -> bool:
        """Whether the two say different things."""
        return bool(self.before != self.after)


def work(partner_id: UUID, name: str) -> Work:
    """What there is under this name. One query."""
    rows = models.ScopeMapping.objects.filter(partner=partner_id, name=name)
    found = list(rows.select_related("partner", "trust", "target").order_by("-version"))
    return Work(versions=tuple(_written(row) for row in found), stamp=stamp_of(found))


def names_taken(partner_id: UUID) -> Mapping[str, frozenset[str]]:
    """The names that the partner's mappings have, each with the targets that its draft and what is in force lead to.

    One query.
    """
    rows = models.ScopeMapping.objects.filter(partner=partner_id).order_by("name")
    found: dict[str, frozenset[str]] = {}
    for name, target, state in rows.values_list("name", "target__name", "state").distinct():
        leads = state in {MappingState.DRAFT, MappingState.PUBLISHED}
        found[name] = found.get(name, frozenset()) | ({target} if leads else frozenset())
    return found


def stamp_of(rows: Sequence[models.ScopeMapping]) -> str:
    """The stamp of all rows of one name, newest first; empty where there is none."""
    draft = next((row for row in rows if row.state == MappingState.DRAFT), None)
    latest = next((row for row in rows if row.state != MappingState.DRAFT), None)
    parts = (
        f"v{latest.version}{latest.state[0]}" if latest else "",
        f"d{draft.updated_at.isoformat()}" if draft else "",
    )
    return " ".join(filter(None, parts))


def compare(before: Declared | None, after: Declared) -> tuple[Compared, ...]:
    """Every field of both, side by side, those first that differ."""
    old, new = (write(before) if before else {}), write(after)
    fields = [Compared(field=name, before=old.get(name), after=value) for name, value in new.items()]
    told = [field for field in fields if field.field not in {"name", "partner"}]
    return tuple(sorted(told, key=lambda field: not field.differs))


def needs_second_person(state: str) -> bool:
    """Whether publishing takes two people: before a partner is activated its activation does, for all of it."""
    return state in {PartnerState.ACTIVE, PartnerState.SUSPENDED}


def _written(row: models.ScopeMapping) -> Written:
    return Written(
        id=row.id,
        declared=inventory.mapping(row),
        version=row.version,
        state=row.state,
        author=row.author,
        saved_at=row.updated_at,
    )
