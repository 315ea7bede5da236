"""Keys of partners that were held back because they changed too much at once, until somebody of ours takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from partners import key_sources
from partners.errors import IllegalTransition
from partners.waiting_keys import waiting_keys
from portal.api import queries
from portal.api.act_bodies import KEYS_TO_CONFIRM
from portal.api.answers import Reply, perform, told
from portal.api.asked_shapes import PUBLIC_KEY
from portal.api.care_shapes import SHAPES
from portal.api.conditions import require_match
from portal.api.endpoint import Endpoint, body_of
from portal.api.parties import party
from portal.api.problems import not_found
from portal.api.reading import read
from portal.api.showing import shown
from portal.permissions import Permission

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change
    from partners.waiting_keys import WaitingKeys as Waiting


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
        chosen = read(KEYS_TO_CONFIRM, body_of(request))

        def work(change: Change) -> Reply:
            document = _shown(_waiting(partner, source))
            require_match(request, document, is_optional=True)
            _confirm(change, source, chosen.jwks_uri or "")
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


def _shown(waiting: Waiting) -> dict[str, Any]:
    keys = {name: [shown(PUBLIC_KEY, key) for key in getattr(waiting, name)] for name in ("present", "offered")}
    return shown(SHAPES["WaitingKeys"], waiting, id=waiting.source_id, **keys)
