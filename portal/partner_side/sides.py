"""What a partner's admin may see and change: their own partner's, looked up here and nowhere else (attack A26).

Every view of the partner's side gets a ``Side`` and asks it for objects by name. What is not theirs is not there,
in the same words whether it exists elsewhere or not (CWE-639).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit import selectors as trail
from partners import profiles
from portal.models import PartnerAdmin

if TYPE_CHECKING:
    from uuid import UUID

    from django.contrib.auth.models import AnonymousUser

    from audit.selectors import Record
    from partners.profiles import Client, Profile, Trust
    from portal.models import User


class NotYours(LookupError):
    """No such object of this partner. Whether it is another's is nobody's business here."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name}")
        self.kind = kind
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One partner as its own admin works on it. ``domain`` is where they proved to receive mail."""

    person: User
    partner: Profile
    domain: str

    def client(self, client_id: str) -> Client:
        """A client of theirs. Raises ``NotYours``."""
        found = next((client for client in profiles.clients(self.partner.id) if client.client_id == client_id), None)
        if found is None:
            raise NotYours("client", client_id)
        return found

    def trusts(self) -> tuple[Trust, ...]:
        """The trusts in their issuers, withdrawn ones last."""
        return profiles.trusts(self.partner.id)

    def trust(self, name: str) -> Trust:
        """A trust in their issuer. Raises ``NotYours``."""
        found = next((trust for trust in self.trusts() if trust.name == name), None)
        if found is None:
            raise NotYours("trust", name)
        return found

    def exchange(self, reference: UUID) -> Record:
        """An exchange of one of their clients. Raises ``NotYours``."""
        mine = (record for record in trail.events_of(reference) if record.entry.partner_id == self.partner.id)
        found = next((record for record in mine if record.entry.kind in trail.EXCHANGE_KINDS), None)
        if found is None:
            raise NotYours("exchange", str(reference))
        return found


def side_of(user: User | AnonymousUser) -> Side | None:
    """The side of whoever is signed in; None for everybody who is no partner's admin. Two queries."""
    if not user.is_authenticated:
        return None
    bound = PartnerAdmin.objects.filter(user=user).values_list("partner__slug", "domain").first()
    partner = None if bound is None else profiles.profile(bound[0])
    return None if bound is None or partner is None else Side(person=user, partner=partner, domain=bound[1])
