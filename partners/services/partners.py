"""Partners: register, change, and the acts of their life."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from audit.events import (
    PartnerActivated,
    PartnerOffboarded,
    PartnerRegistered,
    PartnerReinstated,
    PartnerSuspended,
)
from partners import inventory, models
from partners.checking import require_right
from partners.lifecycle import PartnerAct, acts_towards, advance
from partners.services import clients, lookups, mappings, trusts
from partners.services.differences import FieldChange, differences
from partners.services.recording import Subject, record
from partners.states import ClientState, MappingState, PartnerState, TrustState
from partners.trust_anchors import accept_anchors
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.events import Event
    from partners.changes import Change
    from partners.declarations import DeclaredPartner
    from partners.services.differences import Fields
    from partners.vocabulary import DeclaredPartnerState


def register_partner(change: Change, declared: DeclaredPartner) -> Fields:
    """A new partner, as a draft whatever the declared state: the acts below lead on from there.

    Raises ``ConfigurationRefused``.
    """
    declared = _normal(declared)
    if models.Partner.objects.filter(slug=declared.name).exists():
        lookups.refuse(declared, "name", "a name that is not taken", declared.name)
    row = models.Partner(slug=declared.name, state=PartnerState.DRAFT)
    _fill(row, declared)
    row.save()
    fields = differences(None, replace(declared, state=None))
    return record(change, _subject(row), "registered", fields, PartnerRegistered)


def change_partner(change: Change, declared: DeclaredPartner) -> Fields:
    """The partner's own fields; its state is left alone.

    Raises ``ConfigurationRefused``, ``NotRegistered``, ``IllegalTransition``.
    """
    declared = _normal(declared)
    row = lookups.partner(declared.name)
    before = inventory.partner(row)
    fields = differences(before, replace(declared, state=before.state))
    if not fields:
        return ()
    lookups.require_in_force(row)
    _fill(row, declared)
    row.save()
    return record(change, _subject(row), "changed", fields)


def activate_partner(change: Change, slug: str) -> Fields:
    """From now on the partner may exchange. Raises ``NotRegistered``, ``IllegalTransition``."""
    return _act(change, lookups.partner(slug), PartnerAct.ACTIVATE)


def suspend_partner(change: Change, slug: str) -> Fields:
    """The partner's exchanges stop at the next request. Raises ``NotRegistered``, ``IllegalTransition``."""
    return _act(change, lookups.partner(slug), PartnerAct.SUSPEND)


def reinstate_partner(change: Change, slug: str) -> Fields:
    """A suspended partner may exchange again. Raises ``NotRegistered``, ``IllegalTransition``."""
    return _act(change, lookups.partner(slug), PartnerAct.REINSTATE)


def offboard_partner(change: Change, slug: str) -> Fields:
    """The end: every trust and every mapping is withdrawn, every client suspended, and there is no way back.

    Raises ``NotRegistered``, ``IllegalTransition``.
    """
    row = lookups.partner(slug)
    fields = _act(change, row, PartnerAct.OFFBOARD)
    for trust in row.trusts.exclude(state=TrustState.WITHDRAWN):
        trusts.withdraw(change, row, trust)
    for mapping in row.mappings.filter(state=MappingState.PUBLISHED).select_related("partner", "target"):
        mappings.withdraw(change, mapping)
    for client in row.clients.filter(state=ClientState.ACTIVE):
        clients.set_state(change, client, ClientState.SUSPENDED)
    return fields


def lead_partner(change: Change, slug: str, wanted: DeclaredPartnerState) -> Fields:
    """The acts that lead to a state, none when it is there already. Raises ``NotRegistered``, ``IllegalTransition``."""
    acts = acts_towards(PartnerState(lookups.partner(slug).state), PartnerState(wanted.value))
    steps = {
        PartnerAct.ACTIVATE: activate_partner,
        PartnerAct.SUSPEND: suspend_partner,
        PartnerAct.REINSTATE: reinstate_partner,
        PartnerAct.OFFBOARD: offboard_partner,
    }
    return tuple(field for act in acts for field in steps[act](change, slug))


_EVENTS: Final[Mapping[PartnerAct, type[Event]]] = {
    PartnerAct.ACTIVATE: PartnerActivated,
    PartnerAct.SUSPEND: PartnerSuspended,
    PartnerAct.REINSTATE: PartnerReinstated,
    PartnerAct.OFFBOARD: PartnerOffboarded,
}


def _act(change: Change, row: models.Partner, act: PartnerAct) -> Fields:
    before = PartnerState(row.state)
    row.state = advance(before, act)
    row.save(update_fields=["state", "updated_at"])
    event = _EVENTS[act]
    fields = (FieldChange(field="state", old=before.value, new=row.state),)
    return record(change, _subject(row), event.kind.partition(".")[2], fields, event)


def _normal(declared: DeclaredPartner) -> DeclaredPartner:
    """The declaration, checked, with its trust anchors as they will be stored."""
    require_right(declared)
    return replace(declared, trust_anchors=declared.trust_anchors and accept_anchors(declared.trust_anchors))


def _fill(row: models.Partner, declared: DeclaredPartner) -> None:
    objections = lookups.Objections(declared)
    owner = objections.person("owner", declared.owner) if declared.owner else None
    target = objections.target("default_target", declared.default_target) if declared.default_target else None
    objections.raise_any()
    row.name = declared.title
    row.owner = owner  # type: ignore[assignment]  # of AUTH_USER_MODEL, which this app does not know by name
    row.contact_email = declared.contact_email or ""
    row.purpose = declared.purpose
    row.review_due_on = declared.review_due_on
    row.contract_ends_on = declared.contract_ends_on
    row.default_target = target
    row.trust_anchors = declared.trust_anchors or ""
    row.requests_per_minute = declared.requests_per_minute
    row.burst = declared.burst
    row.daily_quota = declared.daily_quota


def _subject(row: models.Partner) -> Subject:
    return Subject(kind=Kind.PARTNER, name=row.slug, partner=row)
