"""Targets and their scope catalogues. Names approved here are the only audiences there can be (rule 153)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Q

from partners import inventory, models
from partners.checking import require_right
from partners.errors import IllegalTransition, NotRegistered
from partners.services import lookups
from partners.services.differences import FieldChange, differences
from partners.services.recording import Subject, record
from partners.states import MappingState
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from partners.changes import Change
    from partners.declarations import DeclaredTarget
    from partners.services.differences import Fields


def register_target(change: Change, declared: DeclaredTarget) -> Fields:
    """A new target with its scopes. Raises ``ConfigurationRefused``."""
    require_right(declared)
    take_turns()
    if models.Target.objects.filter(name=declared.name).exists():
        lookups.refuse(declared, "name", "a name that is not taken", declared.name)
    row = models.Target(name=declared.name)
    _save(row, declared)
    return record(change, _subject(row), "registered", differences(None, declared))


def change_target(change: Change, declared: DeclaredTarget) -> Fields:
    """The target's fields, and the scopes that are declared: new ones are added, known ones changed.

    A scope that is not declared stays; it leaves by ``withdraw_scope``, which asks whether it is still in use.
    Raises ``ConfigurationRefused``, ``NotRegistered``.
    """
    require_right(declared)
    take_turns()
    row = _locked(declared.name)
    before = inventory.target(row)
    fields = tuple(field for field in differences(before, declared) if field.field != "scopes")
    fields += _scope_changes(before, declared)
    if not fields:
        return ()
    _save(row, declared)
    return record(change, _subject(row), "changed", fields)


def withdraw_scope(change: Change, target: str, scope: str) -> Fields:
    """A scope leaves the catalogue. Raises ``NotRegistered``, and ``IllegalTransition`` while it is in use."""
    row = _locked(target)
    entry = row.scopes.filter(name=scope).first()
    if entry is None:
        raise NotRegistered(Kind.TARGET, f"{target} {scope}")
    _check_unused(row, scope)
    old = {"description": entry.description, "risk": entry.risk}
    entry.delete()
    return record(change, _subject(row), "changed", (FieldChange(field=f"scopes.{scope}", old=dict(old), new=None),))


def _check_unused(row: models.Target, scope: str) -> None:
    published = models.ScopeMapping.objects.filter(target=row, state=MappingState.PUBLISHED).select_related("partner")
    for mapping in published:
        if scope in set(mapping.always).union(*mapping.grants.values()):
            owner = f"partner {mapping.partner.slug}" if mapping.partner else "our own"
            raise IllegalTransition(
                f"Scope {scope} of target {row.name} cannot be withdrawn: mapping {mapping.name} of {owner} grants it."
                " Change that mapping first."
            )
    holder = models.Client.objects.filter(scopes__contains=[scope]).first()
    if holder is not None and not models.Scope.objects.filter(name=scope).exclude(target=row).exists():
        raise IllegalTransition(
            f"Scope {scope} of target {row.name} cannot be withdrawn: it is in the ceiling of client"
            f" {holder.client_id}. Change that client first."
        )


def _scope_changes(before: DeclaredTarget, declared: DeclaredTarget) -> Fields:
    changes = []
    for name, scope in sorted(declared.scopes.items()):
        known = before.scopes.get(name)
        if known != scope:
            old = {"description": known.description, "risk": known.risk.value} if known else None
            new = {"description": scope.description, "risk": scope.risk.value}
            changes.append(FieldChange(field=f"scopes.{name}", old=old, new=new))  # type: ignore[arg-type]
    return tuple(changes)


def take_turns() -> None:
    """One catalogue change at a time: two transactions could otherwise give one name to two targets."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {models.Target._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")  # noqa: SLF001


def _locked(name: str) -> models.Target:
    row = models.Target.objects.select_for_update().filter(name=name).first()
    if row is None:
        raise NotRegistered(Kind.TARGET, name)
    return row


def _save(row: models.Target, declared: DeclaredTarget) -> None:
    _check_names(row, declared)
    row.audience = declared.audience
    row.title = declared.title
    row.description = declared.description
    row.resources = list(declared.resources)
    row.lifetime = declared.lifetime
    row.token_format = declared.token_format.value
    row.is_active = declared.is_active
    row.is_test = declared.is_test
    row.save()
    for name, scope in declared.scopes.items():
        defaults = {"description": scope.description, "risk": scope.risk.value}
        models.Scope.objects.update_or_create(target=row, name=name, defaults=defaults)


def _check_names(row: models.Target, declared: DeclaredTarget) -> None:
    """A request names a target by audience or by resource URI: no name may mean two targets."""
    objections = lookups.Objections(declared)
    others = models.Target.objects.exclude(pk=row.pk)
    for field, names in (("audience", [declared.audience]), ("resources", list(declared.resources))):
        taken = others.filter(Q(audience__in=names) | Q(resources__overlap=names)).first()
        if taken is not None:
            objections.add(field, f"names that target {taken.name} does not have", names)
    objections.raise_any()


def _subject(row: models.Target) -> Subject:
    return Subject(kind=Kind.TARGET, name=row.name, target=row.audience)
