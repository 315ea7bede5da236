"""What is asked on the way to a partner's first exchange: is its issuer sound, what does a test need, what to send."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from rest_framework.response import Response

from exchange.examining import examine_issuer, examine_key_set, examine_uploaded
from partners import profiles
from partners.errors import Problem
from partners.readiness import test_of
from partners.states import BEFORE_ACTIVE, ClientState
from partners.trying import trying
from portal.api import queries
from portal.api.act_bodies import EXAMINATION
from portal.api.asked_shapes import CHECKED, NEED, PUBLIC_KEY, SHAPES, SNIPPET, WAY
from portal.api.endpoint import Endpoint, body_of, caller_of
from portal.api.parties import party
from portal.api.problems import not_found, wrong_fields
from portal.api.reading import read
from portal.api.showing import shown
from portal.partner_pages.integration import integration, mapping_for
from portal.partner_pages.trying import needs, ways
from portal.permissions import Permission

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request

    from exchange.examining import Examination
    from portal.api.act_bodies import ToExamine


class Examine(Endpoint):
    """An issuer looked at before it is trusted: each check by itself, up to the first that failed."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape, bodies, only_asks = "Examination", {"POST": "ToExamine"}, True

    def post(self, request: Request, partner: str) -> Response:
        """Look at an issuer, an address of keys, or keys. Nothing of it is kept; it takes up to 5 seconds."""
        wanted = read(EXAMINATION, body_of(request))
        party(partner)
        found = _examine(wanted, uuid5(NAMESPACE_URL, caller_of(request).id))
        return Response(
            {
                "is_good": found.is_good,
                "checks": [shown(CHECKED, one) for one in found.checks],
                "keys": [shown(PUBLIC_KEY, one) for one in found.keys],
            }
        )


class Rehearsal(Endpoint):
    """The test exchange that a partner needs before its activation: what it still needs, and whether it has come."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape = "Rehearsal"

    def get(self, request: Request, partner: str) -> Response:  # noqa: ARG002 - the framework's signature
        """Read what a test exchange of a partner needs, and which came since its configuration last changed."""
        known = party(partner)
        found = trying(known.id)
        test = test_of(known.id) if known.state in BEFORE_ACTIVE else None
        return Response(
            {
                "exchange": None if test is None else test.entry.id,
                "at": None if test is None else test.entry.at,
                "needs": [shown(NEED, one) for one in needs(partner, found)],
                "ways": [shown(WAY, one) for one in ways(partner, found)],
            }
        )


class Integration(Endpoint):
    """What a partner's developers need: addresses, and the request of one client in several languages. No secret."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape = "Integration"
    parameters = (queries.text("client", "The client that sends the request; left out, the first active one."),)

    def get(self, request: Request, partner: str) -> Response:  # noqa: ARG002 - the framework's signature
        """Read what a client of a partner sends."""
        known, wanted = party(partner), self.given.get("client")
        active = [client for client in profiles.clients(known.id) if client.state == ClientState.ACTIVE]
        chosen = next((client for client in active if wanted in {None, client.client_id}), None)
        if wanted is not None and chosen is None:
            raise not_found()
        made = integration(chosen, mapping_for(known, chosen))
        return Response(shown(SHAPES["Integration"], made, snippets=[shown(SNIPPET, one) for one in made.snippets]))


def _examine(wanted: ToExamine, who: UUID) -> Examination:
    """What was asked for, looked at. Raises ``ApiError`` unless it is exactly one thing."""
    given = [name for name in ("issuer", "jwks_uri", "jwks") if getattr(wanted, name) is not None]
    if len(given) != 1:
        wrong = (
            Problem(path=(name,), expected="exactly one of issuer, jwks_uri, jwks") for name in given or ["issuer"]
        )
        raise wrong_fields(tuple(wrong))
    if wanted.jwks is not None:
        return examine_uploaded(wanted.jwks)
    return examine_issuer(wanted.issuer, who) if wanted.issuer else examine_key_set(wanted.jwks_uri or "", who)
