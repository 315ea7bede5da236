"""What a partner's admin may see and change: their own partner's, looked up here and nowhere else (attack A26).

Every view of the partner's side gets a ``Side`` and asks it for objects by name. What is not theirs is not there,
in the same words whether it exists elsewhere or not (CWE-639).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef

from audit import selectors as trail
from partners import profiles
from partners.states import SourceOfMapping
from portal.models import DomainProof, PartnerAdmin

if TYPE_CHECKING:
    from uuid import UUID

    from django.contrib.auth.models import AnonymousUser

    from audit.selectors import Record
    from partners.profiles import Client, MappingHistory, Profile, Trust
    from portal.models import User


class NotYours(LookupError):
    """No such object of this partner. Whether it is another's is nobody's business here."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name}")
        self.kind = kind
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One partner as its own admin works on it. ``domain`` is that of the mail by which they came in."""

    person: User
    partner: Profile
    domain: str
    is_proved: bool
    """Whether their partner showed that it speaks for that domain (``portal.partner_side.proving``)."""

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

    def mappings(self) -> tuple[MappingHistory, ...]:
        """What their tokens can become now: the mappings that have a version in force."""
        known = profiles.mappings(self.partner.id)
        return tuple(it for it in known if it.current and it.current.source == SourceOfMapping.TRUST)

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
    proofs = DomainProof.objects.filter(partner=OuterRef("partner"), domain=OuterRef("domain"))
    bound = PartnerAdmin.objects.filter(user=user).annotate(is_proved=Exists(proofs))
    slug, domain, is_proved = bound.values_list("partner__slug", "domain", "is_proved").first() or ("", "", False)
    partner = profiles.profile(slug) if slug else None
    return None if partner is None else Side(person=user, partner=partner, domain=domain, is_proved=is_proved)
