"""Canaries: would the newest exchanges of a partner still be granted, if they came now?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from rest_framework.response import Response

from portal.api import queries
from portal.api.endpoint import Endpoint
from portal.api.parties import party
from portal.canaries import running
from portal.permissions import Permission

if TYPE_CHECKING:
    from rest_framework.request import Request

    from portal.canaries.models import Canary


class Canaries(Endpoint):
    """The canaries of one partner, the red ones first; at most 10, each of another client or for another target."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_list = "Canary", True

    def get(self, request: Request, partner: str) -> Response:
        """List a partner's canaries with what came of each."""
        found = running.of_partner(party(partner).id)
        return queries.page(request, [_shown(canary) for canary in found], "")


class Run(Endpoint):
    """The canaries of one partner tried again, now. Nothing is exchanged by that, and no key of the partner is used."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape, only_asks = "CanariesTried", True

    def post(self, request: Request, partner: str) -> Response:  # noqa: ARG002 - the framework's signature
        """Try a partner's canaries. It changes nothing but what is known of them, and the alert about a red one."""
        found = party(partner)
        running.run(found.id, timezone.now())
        return Response({"items": [_shown(canary) for canary in running.of_partner(found.id)]})


def _shown(canary: Canary) -> dict[str, Any]:
    return {
        "id": canary.id,
        "client": canary.client,
        "target": canary.target,
        "exchange": canary.reference,
        "granted_at": canary.granted_at,
        "expected": list(canary.expected),
        "outcome": canary.found.get("outcome"),
        "reason": canary.found.get("reason") or None,
        "scopes": list(canary.found.get("scope") or ()),
        "is_green": canary.is_green,
        "checked_at": canary.checked_at,
    }
