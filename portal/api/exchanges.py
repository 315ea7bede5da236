"""Exchanges as the audit trail has them: which were granted, which refused, and at which step. Read only."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from rest_framework.response import Response

from audit import selectors as trail
from partners import overviews
from policy.reasons import Reason
from portal.api import queries
from portal.api.endpoint import Endpoint
from portal.api.problems import not_found
from portal.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rest_framework.request import Request

    from audit.selectors import Entry, Record

_STEP: Final = ("rule", "verdict", "expected", "received")


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if timezone.is_naive(found) or not _EARLIEST <= found.year <= _LATEST:
        raise ValueError(text)
    return found


_EARLIEST, _LATEST = 1970, 9000
_SINCE: Final = queries.Parameter(
    name="since",
    description="No older than this.",
    expected="an instant with an offset, such as 2027-03-31T08:00:00Z",
    read=_instant,
    schema={"type": "string", "format": "date-time"},
)


class Exchanges(Endpoint):
    """Exchanges, newest first."""

    needs = {"GET": Permission.EXCHANGES_READ}
    shape, is_list = "Exchange", True
    parameters = (
        *queries.LIST,
        _SINCE,
        queries.word("outcome", trail.Outcome, "Those that ended this way only."),
        queries.word("reason", Reason, "Those refused for this reason only."),
        queries.text("partner", "Those of this partner only, by its name."),
        queries.text("client", "Those of this client only, by its client id."),
        queries.text("target", "Those for this audience only."),
    )

    def get(self, request: Request) -> Response:
        """List exchanges."""
        window = queries.window(request, self.given)
        before = queries.before(request, self.given)
        page = trail.exchanges(_search(self.given), before=before, size=window.size)
        names = overviews.names(entry.partner_id for entry in page.entries if entry.partner_id)
        items = [_entry(entry, names) for entry in page.entries]
        return queries.page(request, items, str(page.older) if page.older else "")


class Exchange(Endpoint):
    """One exchange, by the reference its caller was given or by the id of its event."""

    needs = {"GET": Permission.EXCHANGES_READ}
    shape = "ExchangeTold"

    def get(self, request: Request, reference: UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Read an exchange with the steps of its decision."""
        found = record_of(reference)
        names = overviews.names([found.entry.partner_id] if found.entry.partner_id else [])
        return Response(_told(found, names))


def record_of(reference: UUID) -> Record:
    """The exchange of this reference, or of the event of this id. Raises ``ApiError``."""
    found = [record for record in trail.events_of(reference) if record.entry.kind in trail.EXCHANGE_KINDS]
    if not found:
        raise not_found()
    return found[0]


def _search(given: Mapping[str, Any]) -> trail.Search:
    return trail.Search(
        since=given.get("since"),
        outcome=trail.Outcome(given["outcome"]) if "outcome" in given else None,
        reason=given.get("reason", ""),
        client=given.get("client", ""),
        target=given.get("target", ""),
        partners=overviews.ids_of_slug(given["partner"]) if "partner" in given else None,
    )


def _entry(entry: Entry, names: Mapping[UUID, overviews.PartnerName]) -> dict[str, Any]:
    partner = names.get(entry.partner_id) if entry.partner_id else None
    return {
        "id": entry.id,
        "reference": entry.correlation_id,
        "at": entry.at,
        "outcome": entry.outcome,
        "reason": entry.reason or None,
        "partner": partner.slug if partner else None,
        "client": entry.client or None,
        "target": entry.target or None,
    }


def _told(record: Record, names: Mapping[UUID, overviews.PartnerName]) -> dict[str, Any]:
    data = dict(record.document.get("data") or {})
    steps = [dict(zip(_STEP, step, strict=False)) for step in data.pop("steps", None) or ()]
    return {**_entry(record.entry, names), "steps": steps, "facts": data}
