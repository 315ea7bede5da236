"""Trusts: add, change, withdraw."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audit.events import TrustAdded, TrustWithdrawn
from partners import inventory, models
from partners.checking import require_right, write
from partners.errors import IllegalTransition
from partners.keysets import accept_jwks
from partners.services import introspections, keys, lookups, mappings
from partners.services.differences import FieldChange, differences
from partners.services.recording import Subject, record
from partners.states import MappingState, TrustState
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from partners.changes import Change
    from partners.declarations import DeclaredTrust
    from partners.services.differences import Fields


def add_trust(change: Change, declared: DeclaredTrust) -> Fields:
    """Accept an issuer's tokens for a partner. Raises ``ConfigurationRefused``, ``IllegalTransition``."""
    declared = _normal(declared)
    owner = lookups.owning_partner(declared, declared.partner)
    known = models.FederationTrust.objects.filter(partner=owner, name=declared.name).first()
    if known is not None:
        expected = "a name that is not taken; a withdrawn trust keeps its name, for the audit trail"
        lookups.refuse(declared, "name", expected, declared.name)
    row = models.FederationTrust(partner=owner, name=declared.name, state=TrustState.ACTIVE)
    _save(row, declared)
    return record(change, _subject(row), "added", differences(None, declared), TrustAdded)


def change_trust(change: Change, declared: DeclaredTrust, *, seen: str | None = None) -> Fields:
    """The trust's fields. ``seen`` is the stamp of what its author looked at.

    Raises ``ConfigurationRefused``, ``NotRegistered``, ``IllegalTransition``, ``ChangedMeanwhile``.
    """
    declared = _normal(declared)
    owner = lookups.owning_partner(declared, declared.partner)
    row = lookups.trust(owner, declared.name)
    if row.state == TrustState.WITHDRAWN:
        raise IllegalTransition(f"Trust {row.name} of {owner.slug} was withdrawn, which is final. Add another.")
    lookups.require_unchanged(f"Trust {row.name} of {owner.slug}", seen, row.updated_at)
    fields = differences(inventory.trust(row), declared)
    if not fields:
        return ()
    _save(row, declared)
    return record(change, _subject(row), "changed", fields)


def withdraw_trust(change: Change, partner: str, name: str) -> Fields:
    """The issuer's tokens stop being accepted at the next request; the mappings of the trust go with it.

    Raises ``NotRegistered``, ``IllegalTransition``.
    """
    owner = lookups.partner(partner)
    return withdraw(change, owner, lookups.trust(owner, name))


def withdraw(change: Change, owner: models.Partner, row: models.FederationTrust) -> Fields:
    """As ``withdraw_trust``, for a row of a partner that is locked already. Raises ``IllegalTransition``."""
    if row.state == TrustState.WITHDRAWN:
        raise IllegalTransition(f"Trust {row.name} of {owner.slug} is withdrawn already. Nothing is left to do.")
    for mapping in row.mappings.filter(state=MappingState.PUBLISHED).select_related("partner", "target"):
        mappings.withdraw(change, mapping)
    fields = (FieldChange(field="state", old=row.state, new=TrustState.WITHDRAWN.value),)
    row.state = TrustState.WITHDRAWN
    row.save(update_fields=["state", "updated_at"])
    return record(change, _subject(row), "withdrawn", fields, TrustWithdrawn)


def _normal(declared: DeclaredTrust) -> DeclaredTrust:
    require_right(declared)
    if declared.jwks is None:
        return declared
    return replace(declared, jwks={"keys": list(accept_jwks(declared.jwks))})


def _save(row: models.FederationTrust, declared: DeclaredTrust) -> None:
    _check_issuer(row, declared)
    row.issuer = declared.issuer
    row.audiences = list(declared.audiences)
    row.token_types = [kind.value for kind in declared.token_types]
    row.algorithms = [algorithm.value for algorithm in declared.algorithms]
    row.rules = mappings.stored_rules(write(declared))
    row.leeway = declared.leeway
    row.subject_lifetime = declared.subject_lifetime
    row.lifetime = declared.lifetime
    row.max_depth = declared.max_depth
    row.one_time = declared.one_time
    row.reusable_assertions = declared.reusable_assertions
    row.allows_foreign_chain = declared.allows_foreign_chain
    row.accepts_actors = declared.accepts_actors
    introspections.set_introspection(row, declared)
    before = None if row._state.adding else row.key_source  # noqa: SLF001
    source = keys.place(before, row.partner, declared)
    row.key_source = source  # type: ignore[assignment]  # a trust always has one: discovery where nothing is said
    row.save()
    keys.discard(before, source)


def _check_issuer(row: models.FederationTrust, declared: DeclaredTrust) -> None:
    """The issuer selects the trust (rule 29), so a partner trusts each issuer once."""
    others = models.FederationTrust.objects.exclude(pk=row.pk).exclude(state=TrustState.WITHDRAWN)
    other = others.filter(partner=row.partner, issuer=declared.issuer).first()
    if other is not None:
        lookups.refuse(declared, "issuer", f"an issuer that trust {other.name} does not have", declared.issuer)


def _subject(row: models.FederationTrust) -> Subject:
    return Subject(kind=Kind.TRUST, name=row.name, partner=row.partner)
