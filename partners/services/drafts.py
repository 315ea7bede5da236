"""Drafts of mappings: written by one person, seen by a second one, and only then in force.

One draft under each name. A version that is in force is never edited: a draft becomes the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.events import MappingDrafted, MappingPublished
from partners import inventory, models
from partners.checking import require_right
from partners.drafts import needs_second_person, stamp_of
from partners.errors import (
    ChangedMeanwhile,
    ConfigurationError,
    ConfigurationRefused,
    IllegalTransition,
    SeveralRefused,
)
from partners.services import lookups, mappings, onboarding
from partners.services.differences import FieldChange, differences
from partners.services.recording import Subject, record
from partners.states import MappingState
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from partners.changes import Change
    from partners.declarations import DeclaredMapping
    from partners.services.differences import Fields


def save_draft(change: Change, declared: DeclaredMapping, *, seen: str) -> Fields:
    """Write the draft of a mapping, in place of the one there is. ``seen`` is the stamp it began with.

    Raises ``ConfigurationRefused``, ``IllegalTransition``, and ``ChangedMeanwhile`` when somebody else was faster.
    """
    require_right(declared)
    owner = lookups.owner_of_mapping(declared, declared.partner)
    rows = _rows(owner, declared.name)
    _require_seen(owner, declared.name, rows, seen)
    row = mappings.row_of(owner, declared)
    known = next((known for known in rows if known.state == MappingState.DRAFT), None)
    latest = next((known for known in rows if known.state != MappingState.DRAFT), None)
    if known is not None:
        row.pk, row.created_at = known.pk, known.created_at
        row._state.adding = False  # noqa: SLF001 - the same draft, written anew
    row.state = MappingState.DRAFT
    row.version = max((known.version for known in rows if known.state != MappingState.DRAFT), default=0) + 1
    row.author = change.actor.name[:254]
    row.save()
    in_force = latest if latest is not None and latest.state == MappingState.PUBLISHED else None
    fields = differences(inventory.mapping(in_force) if in_force else None, declared)
    return record(change, _subject(owner, row), "drafted", fields, MappingDrafted)


def save_first_drafts(change: Change, drafts: Iterable[DeclaredMapping]) -> tuple[Fields, ...]:
    """The first drafts of several mappings, all or none, each with an event of its own.

    Raises ``IllegalTransition``, and ``SeveralRefused`` with what is against each: for a name that is taken,
    ``ChangedMeanwhile``.
    """
    saved, errors = [], dict[str, ConfigurationError]()
    for declared in drafts:
        try:
            saved.append(save_draft(change, declared, seen=""))
        except (ConfigurationRefused, ChangedMeanwhile) as error:
            errors[declared.name] = error
    if errors:
        raise SeveralRefused(errors)
    return tuple(saved)


def discard_draft(change: Change, partner: str, name: str, *, seen: str) -> Fields:
    """The draft is gone; what is in force stays. Raises ``NotRegistered``, ``IllegalTransition``."""
    owner, row = _draft(partner, name, seen)
    row.delete()
    fields = (FieldChange(field="version", old=row.version, new=None),)
    return record(change, _subject(owner, row), "discarded", fields)


def publish_draft(change: Change, partner: str, name: str, *, seen: str) -> Fields:
    """The draft comes into force as the next version, by another person than its author once the partner is active.

    Of our own that always takes two. Everything it names is looked up again: it may have been withdrawn since.
    Raises ``NotRegistered``, ``ConfigurationRefused``, ``IllegalTransition``, ``SecondPersonNeeded``.
    """
    owner, row = _draft(partner, name, seen)
    if owner is not None:
        lookups.require_in_force(owner)
    if owner is None or needs_second_person(owner.state):
        _require_another(change, row)
    declared = inventory.mapping(row)
    require_right(declared)
    mappings.row_of(owner, declared)
    before = lookups.published_mapping(owner, name)
    if before is not None:
        mappings.leave(before, MappingState.SUPERSEDED)
    mappings.leave(row, MappingState.PUBLISHED)
    fields = differences(inventory.mapping(before) if before else None, declared)
    versions = FieldChange(field="version", old=before.version if before else None, new=row.version)
    author = FieldChange(field="author", old=before.author if before else None, new=row.author)
    return record(change, _subject(owner, row), "published", (versions, author, *fields), MappingPublished)


def _require_another(change: Change, row: models.ScopeMapping) -> None:
    """Raises ``SecondPersonNeeded``. A draft keeps its author's name alone, which is an e-mail address of a person."""
    onboarding.require_second_person(change.actor, (f"user:{row.author}",), f"publish {row.name}")


def _draft(partner: str, name: str, seen: str) -> tuple[models.Partner | None, models.ScopeMapping]:
    owner = _owner(partner)
    rows = _rows(owner, name)
    _require_seen(owner, name, rows, seen)
    row = next((row for row in rows if row.state == MappingState.DRAFT), None)
    if row is None:
        raise IllegalTransition(
            f"Mapping {name} of {partner or 'our own'} has no draft. It was published or discarded already."
        )
    return owner, row


def _owner(partner: str) -> models.Partner | None:
    """Whose it is, locked; None for one of our own, whose writers then take turns. Raises ``NotRegistered``."""
    if partner:
        return lookups.partner(partner)
    lookups.take_turns_with_ours()
    return None


def _rows(owner: models.Partner | None, name: str) -> list[models.ScopeMapping]:
    rows = models.ScopeMapping.objects.select_related("partner", "trust", "target")
    return list(rows.filter(partner=owner, name=name).order_by("-version"))


def _require_seen(owner: models.Partner | None, name: str, rows: list[models.ScopeMapping], seen: str) -> None:
    if stamp_of(rows) == seen:
        return
    latest = max(rows, key=lambda row: row.updated_at, default=None)
    who = latest.author if latest is not None and latest.author else "somebody"
    whose = owner.slug if owner else "our own"
    raise ChangedMeanwhile(
        f"Mapping {name} of {whose} was changed by {who} since you opened it. Nothing of yours was saved yet:"
        " compare both, then save yours again, or take theirs."
    )


def _subject(owner: models.Partner | None, row: models.ScopeMapping) -> Subject:
    return Subject(kind=Kind.MAPPING, name=row.name, partner=owner, target=row.target.audience)
