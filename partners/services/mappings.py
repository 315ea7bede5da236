"""Mappings: publish a version, withdraw. A published version is never edited: each exchange stays explicable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.events import MappingPublished
from partners import inventory, models
from partners.checking import require_right, write
from partners.errors import IllegalTransition, NotRegistered
from partners.services import lookups
from partners.services.differences import FieldChange, differences
from partners.services.recording import Subject, record
from partners.states import MappingState, SourceOfMapping, TrustState
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from partners.changes import Change
    from partners.declarations import DeclaredMapping
    from partners.services.differences import Fields


def publish_mapping(change: Change, declared: DeclaredMapping) -> Fields:
    """A new version in force, unless the one in force says the same.

    Raises ``ConfigurationRefused``, ``IllegalTransition``.
    """
    require_right(declared)
    owner = lookups.owner_of_mapping(declared, declared.partner)
    before = lookups.published_mapping(owner, declared.name)
    fields = differences(inventory.mapping(before) if before else None, declared)
    if before is not None and not fields:
        return ()
    row = row_of(owner, declared)
    if before is not None:
        leave(before, MappingState.SUPERSEDED)
    versions = models.ScopeMapping.objects.filter(partner=owner, name=declared.name).values_list("version", flat=True)
    row.version = max(versions, default=0) + 1
    row.author = change.actor.name[:254]
    row.save()
    fields = (FieldChange(field="version", old=before.version if before else None, new=row.version), *fields)
    return record(change, _subject(row), "published", fields, MappingPublished)


def withdraw_mapping(change: Change, partner: str, name: str) -> Fields:
    """No version is in force any more; another can be published later. ``partner`` is empty for one of our own.

    Raises ``NotRegistered``, and ``IllegalTransition`` when none is in force.
    """
    owner = lookups.partner(partner) if partner else None
    row = lookups.published_mapping(owner, name)
    if row is not None:
        return withdraw(change, row)
    if not models.ScopeMapping.objects.filter(partner=owner, name=name).exists():
        raise NotRegistered(Kind.MAPPING, name)
    raise IllegalTransition(f"Mapping {name} of {partner or 'our own'} has no version in force. Nothing is left to do.")


def withdraw(change: Change, row: models.ScopeMapping) -> Fields:
    """As ``withdraw_mapping``, for the published row of a partner that is locked already."""
    fields = (FieldChange(field="state", old=row.state, new=MappingState.WITHDRAWN.value),)
    leave(row, MappingState.WITHDRAWN)
    return record(change, _subject(row), "withdrawn", fields)


def stored_rules(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The rules of a document as a row keeps them: without a value where the operator takes none."""
    return [{name: part for name, part in rule.items() if part is not None} for rule in document["rules"]]


def leave(row: models.ScopeMapping, state: MappingState) -> None:
    """The version is in another state from now on; nothing else of it changes."""
    row.state = state
    row.save(update_fields=["state", "updated_at"])


def row_of(owner: models.Partner | None, declared: DeclaredMapping) -> models.ScopeMapping:
    """The row to be published, with what it names looked up and found to fit. Raises ``ConfigurationRefused``."""
    objections = lookups.Objections(declared)
    trust = _trust(owner, declared, objections) if declared.source is SourceOfMapping.TRUST else None
    target = objections.target("target", declared.target)
    if target is not None:
        _check_scopes(target, declared, objections)
    _check_clients(owner, declared, objections)
    objections.raise_any()
    assert target is not None
    return models.ScopeMapping(
        partner=owner,
        name=declared.name,
        state=MappingState.PUBLISHED,
        position=declared.position,
        source=declared.source,
        trust=trust,
        target=target,
        clients=None if declared.clients is None else list(declared.clients),
        rules=stored_rules(write(declared)),
        grants={theirs: list(ours) for theirs, ours in declared.grants.items()},
        always=list(declared.always),
        default_scopes=list(declared.default_scopes),
        lifetime=declared.lifetime,
        allows_impersonation=declared.allows_impersonation,
        max_depth=declared.max_depth,
        subject_claim=declared.subject_claim,
        condition=declared.condition or "",
        scopes_expression=declared.scopes_expression or "",
        claims=dict(declared.claims),
        carries_login=declared.carries_login,
    )


def _trust(
    owner: models.Partner | None, declared: DeclaredMapping, objections: lookups.Objections
) -> models.FederationTrust | None:
    assert owner is not None  # a declaration that names a trust names its partner
    rows = owner.trusts.exclude(state=TrustState.WITHDRAWN)
    row = rows.filter(name=declared.trust).first()
    if row is None:
        objections.add("trust", f"the name of a trust of {owner.slug} that is not withdrawn", declared.trust)
    return row


def _check_scopes(target: models.Target, declared: DeclaredMapping, objections: lookups.Objections) -> None:
    known = {scope.name for scope in target.scopes.all()}
    named = (
        ("always", set(declared.always)),
        ("grants", set[str]().union(*declared.grants.values())),
        ("default_scopes", set(declared.default_scopes)),
    )
    for field, scopes in named:
        if not scopes <= known:
            objections.add(field, f"scopes of target {target.name}", sorted(scopes - known))


def _check_clients(owner: models.Partner | None, declared: DeclaredMapping, objections: lookups.Objections) -> None:
    wanted = set(declared.clients or ())
    rows = models.Client.objects.filter(partner=owner, client_id__in=wanted)
    own = set(rows.values_list("client_id", flat=True))
    if wanted - own:
        expected = f"clients of {owner.slug}" if owner else "clients of our own, which have no partner"
        objections.add("clients", expected, sorted(wanted - own))


def _subject(row: models.ScopeMapping) -> Subject:
    return Subject(kind=Kind.MAPPING, name=row.name, partner=row.partner, target=row.target.audience)
