"""One event for one changed object: what it is, what was done to it, and its fields' old and new values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.events import ConfigurationApplied
from partners.services import onboarding
from partners.services.differences import as_data

if TYPE_CHECKING:
    from audit.events import Event
    from partners.changes import Change
    from partners.models import Partner
    from partners.services.differences import Fields
    from partners.vocabulary import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The object a change is about. ``partner`` is None for a target and for a client of our own."""

    kind: Kind
    name: str
    partner: Partner | None = None
    client: str = ""
    target: str = ""


def record(
    change: Change, subject: Subject, act: str, fields: Fields, event: type[Event] = ConfigurationApplied
) -> Fields:
    """Audit the change of one object and mark what moved; answers the fields, for the caller to hand on."""
    if subject.partner is None:
        change.touch_catalogue()
    else:
        change.touch(subject.partner.id)
    change.record(
        event(
            partner_id=subject.partner.id if subject.partner else None,
            partner=subject.partner.slug if subject.partner else "",
            client=subject.client,
            target=subject.target,
            data={"object": subject.kind.value, "name": subject.name, "change": act, "fields": as_data(fields)},
        )
    )
    onboarding.unsettle(change, subject, act)
    return fields
