"""What was changed about one partner, by whom and when: its events without its exchanges, which are a list apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit import histories
from portal.api import queries
from portal.api.endpoint import Endpoint
from portal.api.parties import party
from portal.permissions import Permission

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response

    from audit.selectors import Record


class History(Endpoint):
    """Everything that was changed about one partner, newest first."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_list = "Happening", True
    parameters = queries.LIST

    def get(self, request: Request, partner: str) -> Response:
        """List what was changed about a partner."""
        window = queries.window(request, self.given)
        before = queries.before(request, self.given)
        records, has_more = histories.changes(party(partner).id, before=before, size=window.size)
        following = str(records[-1].entry.id) if has_more else ""
        return queries.page(request, [_shown(record) for record in records], following)


def _shown(record: Record) -> dict[str, Any]:
    entry = record.entry
    return {
        "id": entry.id,
        "reference": entry.correlation_id,
        "at": entry.at,
        "kind": entry.kind,
        "actor": entry.actor,
        "facts": dict(record.document.get("data") or {}),
    }
