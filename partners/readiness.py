"""Whether a partner can be activated, and by whom: read from the audit trail when somebody asks, never kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from audit import histories
from partners import models
from partners.states import TrustState
from partners.vocabulary import Kind

if TYPE_CHECKING:
    from uuid import UUID

    from audit.selectors import Record

WITHOUT_FORCE: Final = frozenset({"drafted", "discarded"})
"""The changes that put nothing into force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The newest exchange that tested the partner as it is now, where there is one, and who may not be the second.

    ``first_people`` are named as the audit trail does: who registered the partner, and who made the last change of a
    trust or a mapping.
    """

    test: Record | None
    first_people: tuple[str, ...]


def readiness(partner_id: UUID) -> Readiness:
    """What an activation would be judged by. Four queries."""
    changed = last_change_of_policy(partner_id)
    records = (histories.registration(partner_id), changed)
    authors = tuple(dict.fromkeys(record.entry.actor for record in records if record is not None))
    return Readiness(test=_test_since(partner_id, changed), first_people=authors)


def test_of(partner_id: UUID) -> Record | None:
    """The newest exchange that tested the partner as it is now. Three queries."""
    return _test_since(partner_id, last_change_of_policy(partner_id))


def _test_since(partner_id: UUID, changed: Record | None) -> Record | None:
    """A token that a trust still in force vouches for was exchanged after the last change of a trust or a mapping."""
    rows = models.FederationTrust.objects.filter(partner=partner_id, state=TrustState.ACTIVE)
    trusts = {str(pk) for pk in rows.values_list("id", flat=True)}
    for granted in histories.latest_granted(partner_id):
        if changed is not None and granted.entry.id < changed.entry.id:
            return None
        if granted.document["data"].get("trust", {}).get("id") in trusts:
            return granted
    return None


def last_change_of_policy(partner_id: UUID) -> Record | None:
    """The last event that changed whose tokens are accepted or what they are worth."""
    return next(filter(_makes_policy, histories.changes_of_policy(partner_id)), None)


def _makes_policy(record: Record) -> bool:
    data = record.document.get("data", {})
    is_of_policy = data.get("object") in {Kind.TRUST.value, Kind.MAPPING.value}
    return is_of_policy and data.get("change") not in WITHOUT_FORCE
