"""Our secret at an issuer's introspection endpoint (RFC 7662 s2.1): put by a call, kept sealed, never read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partners import records, services
from partners.vocabulary import Kind
from portal.api import objects
from portal.api.act_bodies import INTROSPECTION_SECRET
from portal.api.answers import acted
from portal.api.endpoint import Endpoint, body_of
from portal.api.reading import read
from portal.permissions import Permission

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change


class Secret(Endpoint):
    """The secret of one trust's introspection endpoint. Another endpoint, or another client id there, forgets it."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape, bodies = "Trust", {"POST": "IntrospectionSecret"}

    def post(self, request: Request, partner: str, trust: str) -> Response:
        """Put the secret that the partner gave us. The answer says that there is one, and no answer says which."""

        def put(change: Change) -> None:
            given = read(INTROSPECTION_SECRET, body_of(request))
            services.put_introspection_secret(change, partner, trust, given.secret)

        return acted(request, lambda: objects.shown(records.trust(partner, trust)), put, held=(Kind.TRUST, partner))
