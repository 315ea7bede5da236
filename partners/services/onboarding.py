"""The way of a partner from its first draft to its activation: what sets it back, and what and who it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from audit.events import ActorKind, ConfigurationApplied
from partners import models
from partners.errors import IllegalTransition, SecondPersonNeeded
from partners.humans import names_of
from partners.lifecycle import PartnerAct, advance
from partners.readiness import WITHOUT_FORCE, readiness
from partners.services.differences import FieldChange, as_data
from partners.states import PartnerState
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from audit.events import JSON, Actor
    from partners.changes import Change
    from partners.services.recording import Subject

_UNSETTLES: Final[Mapping[Kind, frozenset[PartnerState]]] = {
    Kind.TRUST: frozenset({PartnerState.DRAFT, PartnerState.INVITED, PartnerState.TESTED}),
    Kind.MAPPING: frozenset({PartnerState.DRAFT, PartnerState.INVITED, PartnerState.TESTED}),
    Kind.CLIENT: frozenset({PartnerState.DRAFT, PartnerState.INVITED}),
}
"""Which changes lead to configuring, and from where. What was tested is whose tokens are worth what."""


def unsettle(change: Change, subject: Subject, act: str) -> None:
    """A trust, a mapping or a client of the partner changed: it is being configured, and a test it passed is void."""
    row = subject.partner
    if act in WITHOUT_FORCE or row is None or row.state not in _UNSETTLES.get(subject.kind, frozenset()):
        return
    before = PartnerState(row.state)
    after = advance(before, PartnerAct.CONFIGURE)
    models.Partner.objects.filter(pk=row.pk).update(state=after)
    row.state = after
    fields = (FieldChange(field="state", old=before.value, new=after.value),)
    data: dict[str, JSON] = {"object": Kind.PARTNER.value, "name": row.slug, "change": "configuring"}
    change.record(ConfigurationApplied(partner_id=row.pk, partner=row.slug, data=data | {"fields": as_data(fields)}))


def require_test(row: models.Partner) -> tuple[str, ...]:
    """The partner's configuration, as it is now, was tested with a key of its own; answers who made it.

    Raises ``IllegalTransition`` where the audit trail has no such exchange.
    """
    found = readiness(row.pk)
    if found.test is None:
        raise IllegalTransition(
            f"No exchange of {row.slug} has been granted since its trusts and mappings last changed, for a token that"
            " its own issuer signed. Let one of its clients exchange such a token for a test target, then try again."
        )
    return found.first_people


def require_second_person(actor: Actor, first: Collection[str], act: str) -> None:
    """Two people see what a partner is given; a program is nobody's second person, nor is one's other account.

    Raises ``SecondPersonNeeded``.
    """
    if actor.kind is not ActorKind.USER:
        raise SecondPersonNeeded(f"A person has to {act}, and a program asked for it.", ())
    if not names_of((str(actor),)).isdisjoint(first):
        raise SecondPersonNeeded(
            f"{actor.name} made what this is about, or a part of it, so somebody else has to {act}.", tuple(first)
        )
