"""Who the caller is to us, and what they may do here: the token's scopes and their roles, worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.response import Response

from portal.api.endpoint import Endpoint, caller_of
from portal.roles import roles_of

if TYPE_CHECKING:
    from rest_framework.request import Request


class Me(Endpoint):
    """The caller."""

    needs = {"GET": None}
    shape = "Me"

    def get(self, request: Request) -> Response:
        """Read what you may do."""
        caller = caller_of(request)
        return Response(
            {
                "kind": caller.actor.kind,
                "name": caller.actor.name,
                "client": caller.actor.via or (None if caller.scopes is None else caller.actor.name),
                "roles": sorted(roles_of(request.user)),
                "scopes": None if caller.scopes is None else sorted(caller.scopes),
                "permissions": sorted(caller.held),
            }
        )
