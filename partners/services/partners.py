"""Partners: register, change, and the acts of their life."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from audit.events import (
    ConfigurationApplied,
    PartnerActivated,
    PartnerOffboarded,
    PartnerRegistered,
    PartnerReinstated,
    PartnerSuspended,
    PartnerTested,
)
from partners import inventory, models
from partners.checking import require_right
from partners.lifecycle import PartnerAct, acts_towards, advance
from partners.services import clients, lookups, mappings, onboarding, trusts
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


def change_partner(change: Change, declared: DeclaredPartner, *, seen: str | None = None) -> Fields:
    """The partner's own fields; its state is left alone. ``seen`` is the stamp of what its author looked at.

    Raises ``ConfigurationRefused``, ``NotRegistered``, ``IllegalTransition``, ``ChangedMeanwhile``.
    """
    declared = _normal(declared)
    row = lookups.partner(declared.name)
    lookups.require_unchanged(f"Partner {row.slug}", seen, row.updated_at)
    before = inventory.partner(row)
    fields = differences(before, replace(declared, state=before.state))
    if not fields:
        return ()
    lookups.require_in_force(row)
    _fill(row, declared)
    row.save()
    return record(change, _subject(row), "changed", fields)


def mark_invited(change: Change, slug: str) -> Fields:
    """Its own people have been asked to connect it. Raises ``NotRegistered``, ``IllegalTransition``."""
    return _act(change, lookups.partner(slug), PartnerAct.INVITE)


def configure_partner(change: Change, slug: str) -> Fields:
    """Somebody works on its trusts and mappings again, and a test that it passed is void.

    Each change of them does the same by itself. Raises ``NotRegistered``, ``IllegalTransition``.
    """
    return _act(change, lookups.partner(slug), PartnerAct.CONFIGURE)


def pass_test(change: Change, slug: str) -> Fields:
    """The partner is tested: a token that its own issuer signed was exchanged since its configuration last changed.

    Raises ``NotRegistered``, and ``IllegalTransition`` also where no such exchange is in the audit trail.
    """
    row = lookups.partner(slug)
    advance(PartnerState(row.state), PartnerAct.PASS_TEST)
    onboarding.require_test(row)
    return _act(change, row, PartnerAct.PASS_TEST)


def activate_partner(change: Change, slug: str) -> Fields:
    """From now on the partner may exchange for real: it was tested, and a second person says so.

    The test is looked for again, since a trust that it rested on may have been quarantined meanwhile.
    Raises ``NotRegistered``, ``IllegalTransition``, ``SecondPersonNeeded``.
    """
    row = lookups.partner(slug)
    advance(PartnerState(row.state), PartnerAct.ACTIVATE)
    first = onboarding.require_test(row)
    onboarding.require_second_person(change.actor, first, f"activate {slug}")
    return _act(change, row, PartnerAct.ACTIVATE)


def declare_active(change: Change, slug: str) -> Fields:
    """A document says that the partner is active: it was reviewed where documents are reviewed (decision 20).

    Raises ``NotRegistered``, ``IllegalTransition``.
    """
    return _act(change, lookups.partner(slug), PartnerAct.DECLARE)


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
        PartnerAct.DECLARE: declare_active,
        PartnerAct.SUSPEND: suspend_partner,
        PartnerAct.REINSTATE: reinstate_partner,
        PartnerAct.OFFBOARD: offboard_partner,
    }
    return tuple(field for act in acts for field in steps[act](change, slug))


_EVENTS: Final[Mapping[PartnerAct, type[Event]]] = {
    PartnerAct.INVITE: ConfigurationApplied,
    PartnerAct.CONFIGURE: ConfigurationApplied,
    PartnerAct.PASS_TEST: PartnerTested,
    PartnerAct.ACTIVATE: PartnerActivated,
    PartnerAct.DECLARE: PartnerActivated,
    PartnerAct.SUSPEND: PartnerSuspended,
    PartnerAct.REINSTATE: PartnerReinstated,
    PartnerAct.OFFBOARD: PartnerOffboarded,
}

_PARTICIPLES: Final[Mapping[PartnerAct, str]] = {
    PartnerAct.INVITE: "invited",
    PartnerAct.CONFIGURE: "configuring",
    PartnerAct.PASS_TEST: "tested",
    PartnerAct.ACTIVATE: "activated",
    PartnerAct.DECLARE: "declared active",
    PartnerAct.SUSPEND: "suspended",
    PartnerAct.REINSTATE: "reinstated",
    PartnerAct.OFFBOARD: "offboarded",
}


def _act(change: Change, row: models.Partner, act: PartnerAct) -> Fields:
    before = PartnerState(row.state)
    row.state = advance(before, act)
    row.save(update_fields=["state", "updated_at"])
    event = _EVENTS[act]
    fields = (FieldChange(field="state", old=before.value, new=row.state),)
    return record(change, _subject(row), _PARTICIPLES[act], fields, event)


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
