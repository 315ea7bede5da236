"""Our secret at an issuer's introspection endpoint (RFC 7662 s2.1): put by a call, kept sealed, never read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from partners import records, services
from partners.errors import Problem
from partners.services.introspections import SECRET, check_secret
from partners.vocabulary import Kind
from portal.api import objects
from portal.api.answers import Reply, perform
from portal.api.conditions import require_match
from portal.api.endpoint import Endpoint, body_of
from portal.api.problems import wrong_fields
from portal.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change


class Secret(Endpoint):
    """The secret of one trust's introspection endpoint. Another endpoint, or another client id there, forgets it."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape, bodies = "Trust", {"POST": "IntrospectionSecret"}

    def post(self, request: Request, partner: str, trust: str) -> Response:
        """Put the secret that the partner gave us. The answer says that there is one, and no answer says which."""

        def work(change: Change) -> Reply:
            records.held(Kind.TRUST, partner)
            require_match(request, objects.shown(records.trust(partner, trust)), is_optional=True)
            services.put_introspection_secret(change, partner, trust, _secret(body_of(request)))
            return Reply(document=objects.shown(records.trust(partner, trust)))

        return perform(request, work)


def _secret(body: Mapping[str, Any]) -> str:
    """The secret in a body. Raises ``ApiError``, which never says what came."""
    given = body.get("secret")
    if set(body) != {"secret"} or not isinstance(given, str) or not check_secret(given):
        raise wrong_fields((Problem(path=("secret",), expected=f"{SECRET}, and nothing beside it"),))
    return given
