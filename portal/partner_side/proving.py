"""Whether a partner speaks for its domain: a file with our words on a web server of that domain (RFC 8615 section 3).

To receive mail at a domain proves that one person belongs there. To say with which keys an issuer of the domain signs
takes more: to write below ``/.well-known/`` of the domain's own web server, or to give a host of it its address in the
DNS. The line of the file is made from a key of ours, the partner and the domain: no other partner's file proves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from audit.partner_side_events import DomainProved
from exchange import outbound
from exchange.outbound import OutboundError
from portal.models import DomainProof, PartnerAdmin
from portal.partner_side.domains import domain_of, is_inside

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from exchange.outbound import Outbound
    from partners.changes import Change
    from portal.partner_side.sides import Side

PATH: Final = "/.well-known/handover-domain.txt"
HOST: Final = "handover"
"""The host below the domain that is asked where the domain's own web server cannot hold the file, as RFC 8461 does."""
_SALT: Final = "portal.partner_side.proving"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One address that was looked at. ``problem`` says what was found there instead; empty where it was the file."""

    address: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That a domain was proved: when, where, by whom."""

    domain: str
    at: datetime
    address: str
    by: str


def line_of(partner_id: UUID, domain: str) -> str:
    """What must stand in the file, on a line of its own."""
    return f"handover-domain={salted_hmac(_SALT, f'{partner_id} {domain}', algorithm='sha256').hexdigest()}"


def addresses_of(domain: str) -> tuple[str, str]:
    """Where the file is looked for, one after the other."""
    return f"https://{domain}{PATH}", f"https://{HOST}.{domain}{PATH}"


def look(side: Side, http: Outbound | None = None) -> tuple[Looked, ...]:
    """Look for the file until it is found; what was found at each address. One call at a time of each person.

    Blocks for as long as two calls may take. Nothing is kept by it.
    """
    wanted, found = line_of(side.partner.id, side.domain), []
    for address in addresses_of(side.domain):
        found.append(_look(http or outbound.client(), address, wanted, f"domain:{side.person.pk}"))
        if not found[-1].problem:
            break
    return tuple(found)


def note(change: Change, side: Side, address: str) -> None:
    """The domain is proved, with an event; what was proved before stays as it was."""
    _row, is_new = DomainProof.objects.get_or_create(
        partner_id=side.partner.id, domain=side.domain, defaults={"address": address, "proved_by": side.person.email}
    )
    if is_new:
        data = {"domain": side.domain, "address": address, "name": side.domain}
        change.record(DomainProved(partner_id=side.partner.id, partner=side.partner.slug, data={**data}))


def proof(partner_id: UUID, domain: str) -> Proof | None:
    """That the domain was proved, or None. One query."""
    row = DomainProof.objects.filter(partner=partner_id, domain=domain).first()
    return None if row is None else _shown(row)


def domains_of(partner_id: UUID, contact_email: str) -> dict[str, Proof | None]:
    """The domains of a partner's contact and of its people, by name, each with its proof if there is one. Two queries.

    One that was proved stays among them when the last person of it leaves: what was proved, stays proved.
    """
    proved = {row.domain: _shown(row) for row in DomainProof.objects.filter(partner=partner_id)}
    people = PartnerAdmin.objects.filter(partner=partner_id).order_by().values_list("domain", flat=True).distinct()
    names = {domain_of(contact_email), *people, *proved} - {""}
    return {name: proved.get(name) for name in sorted(names)}


def vouching_for(partner_id: UUID, issuer: str) -> Proof | None:
    """The proof of a domain that the issuer is inside, or None. One query; a partner has few domains."""
    rows = DomainProof.objects.filter(partner=partner_id).order_by("domain")
    return next((_shown(row) for row in rows if is_inside(issuer, row.domain)), None)


def _shown(row: DomainProof) -> Proof:
    return Proof(domain=row.domain, at=row.proved_at, address=row.address, by=row.proved_by)


def _look(http: Outbound, address: str, wanted: str, source: str) -> Looked:
    try:
        body = http.get(address, source=source).body
    except OutboundError as error:
        return Looked(address=address, problem=str(error))
    if wanted in body.decode("utf-8", "replace").split():
        return Looked(address=address, problem="")
    words = _("A file is there, and the line is not in it. Copy the line whole, and put nothing beside it.")
    return Looked(address=address, problem=words)
