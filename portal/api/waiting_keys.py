"""Keys of partners that were held back because they changed too much at once, until somebody of ours takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from partners import key_sources
from partners.errors import IllegalTransition, Problem
from partners.waiting_keys import waiting_keys
from portal.api import queries
from portal.api.answers import Reply, perform, told
from portal.api.conditions import require_match
from portal.api.endpoint import Endpoint, body_of
from portal.api.parties import party
from portal.api.problems import not_found, wrong_fields
from portal.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change
    from partners.health import PublicKey
    from partners.waiting_keys import WaitingKeys as Waiting

_ADDRESS: Final = "the address that waits (offered_uri), or left out: then the keys are meant"


class WaitingKeys(Endpoint):
    """The key sources of one partner with something to confirm."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_list = "WaitingKeys", True

    def get(self, request: Request, partner: str) -> Response:
        """List the keys, and addresses of keys, that wait for confirmation."""
        found = waiting_keys(party(partner).id)
        return queries.page(request, [_shown(item) for item in found], "")


class WaitingKey(Endpoint):
    """One key source with something to confirm."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_tagged = "WaitingKeys", True

    def get(self, request: Request, partner: str, source: UUID) -> Response:
        """Read what waits at one key source."""
        return told(request, _shown(_waiting(partner, source)))


class Confirm(Endpoint):
    """The keys that wait are taken, or the other address is. ``If-Match`` makes sure that it is what was read."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape, bodies = "WaitingKeys", {"POST": "KeysToConfirm"}

    def post(self, request: Request, partner: str, source: UUID) -> Response:
        """Confirm keys, or an address of keys; the answer shows once more what waited."""

        def work(change: Change) -> Reply:
            document = _shown(_waiting(partner, source))
            require_match(request, document, is_optional=True)
            _confirm(change, source, _address(body_of(request)))
            return Reply(document=document)

        return perform(request, work)


def _confirm(change: Change, source: UUID, address: str) -> None:
    try:
        if address:
            key_sources.confirm_jwks_uri(change, source, address)
        else:
            key_sources.confirm_keys(change, source)
    except key_sources.NothingToConfirm as error:
        raise IllegalTransition(str(error)) from error


def _waiting(partner: str, source: UUID) -> Waiting:
    found = next((item for item in waiting_keys(party(partner).id) if item.source_id == source), None)
    if found is None:
        raise not_found()
    return found


def _address(body: Mapping[str, Any]) -> str:
    """The address in a body; empty where the keys are meant. Raises ``ApiError``."""
    given = body.get("jwks_uri", "")
    if body.keys() - {"jwks_uri"} or not isinstance(given, str):
        raise wrong_fields((Problem(path=("jwks_uri",), expected=_ADDRESS),))
    return given


def _shown(waiting: Waiting) -> dict[str, Any]:
    return {
        "id": waiting.source_id,
        "location": waiting.location,
        "present": [_key(key) for key in waiting.present],
        "offered": [_key(key) for key in waiting.offered],
        "since": waiting.since,
        "present_uri": waiting.present_uri or None,
        "offered_uri": waiting.offered_uri or None,
    }


def _key(key: PublicKey) -> dict[str, Any]:
    return {"kid": key.kid or None, "kty": key.kty, "alg": key.alg or None, "thumbprint": key.thumbprint or None}
