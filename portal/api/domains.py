"""The domains that people of a partner are at: what proves one, and that it was proved (RFC 8615 section 3).

To ask for a look at the file is for the partner's own people, each for the domain of their own mail, in a session: no
token carries what opens a partner's own side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.response import Response

from partners.changes import changing
from partners.states import PartnerState
from portal.api import queries
from portal.api.answers import told
from portal.api.callers import reference_of
from portal.api.endpoint import Endpoint, caller_of
from portal.api.parties import party
from portal.api.problems import not_found
from portal.partner_side import proving
from portal.partner_side.sides import side_of
from portal.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rest_framework.request import Request

    from portal.partner_side.proving import Proof
    from portal.partner_side.sides import Side


class Domains(Endpoint):
    """The domains of one partner's people and of its contact; all in one part, by name."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_list = "Domain", True

    def get(self, request: Request, partner: str) -> Response:
        """List a partner's domains, each with what proves it and whether it is proved."""
        known = party(partner)
        found = proving.domains_of(known.id, known.contact_email)
        return queries.page(request, [_shown(known.id, domain, proof) for domain, proof in found.items()], "")


class OwnDomain(Endpoint):
    """The domain of a partner's own admin: what to put where, so that keys of its issuers change without asking us."""

    needs = {"GET": Permission.CONNECT}
    shape, is_tagged = "Domain", True

    def get(self, request: Request) -> Response:
        """Read what proves your domain, and whether it is proved."""
        return told(request, _own(_side(request)))


class Look(Endpoint):
    """A look for the file. What was proved before stays so, and a look that finds nothing changes nothing."""

    needs = {"POST": Permission.CONNECT}
    shape, only_asks, is_confirmed = "DomainLook", True, True

    def post(self, request: Request) -> Response:
        """Have your domain looked at. `looked` says what was found at each address; it takes up to 10 seconds."""
        side = _side(request)
        looked = proving.look(side)
        if not looked[-1].problem:
            with changing(caller_of(request).actor, correlation_id=reference_of(request)) as change:
                proving.note(change, side, looked[-1].address)
        items = [{"address": one.address, "problem": one.problem or None} for one in looked]
        return Response({**_own(side), "looked": items})


def _side(request: Request) -> Side:
    """The side of whoever calls. Raises ``ApiError`` for everybody who has none, or none any more."""
    side = side_of(request.user)
    if side is None or side.partner.state == PartnerState.OFFBOARDED:
        raise not_found()
    return side


def _own(side: Side) -> Mapping[str, Any]:
    return _shown(side.partner.id, side.domain, proving.proof(side.partner.id, side.domain))


def _shown(partner_id: UUID, domain: str, proof: Proof | None) -> dict[str, Any]:
    return {
        "domain": domain,
        "line": proving.line_of(partner_id, domain),
        "addresses": list(proving.addresses_of(domain)),
        "proof": None if proof is None else {"at": proof.at, "address": proof.address, "by": proof.by},
    }
