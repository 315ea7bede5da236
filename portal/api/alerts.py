"""Alerts about partners and their issuers: read as they come, and acknowledged by whoever saw them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from exchange import alerts
from exchange.alerts import AlertKind, Wanted
from partners import overviews
from portal.api import queries
from portal.api.answers import acted, told
from portal.api.endpoint import Endpoint
from portal.api.problems import not_found
from portal.partner_pages.trusts.alert_words import tell
from portal.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rest_framework.request import Request
    from rest_framework.response import Response

    from exchange.models import Alert as Row

_STATES: Final = {"open": False, "over": True}
_SEEN: Final = {"yes": True, "no": False}


class Alerts(Endpoint):
    """Alerts of all partners, newest first."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_list = "Alert", True
    parameters = (
        *queries.LIST,
        queries.text("partner", "Those of this partner only, by its name."),
        queries.word("kind", AlertKind, "Those of this kind only."),
        queries.word("state", _STATES, "Those that are open, or over, only."),
        queries.word("acknowledged", _SEEN, "Those that somebody acknowledged, or nobody did, only."),
    )

    def get(self, request: Request) -> Response:
        """List alerts."""
        return queries.newest(request, self.given, partial(alerts.listed, _wanted(self.given)), _shown)


class Alert(Endpoint):
    """One alert."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_tagged = "Alert", True

    def get(self, request: Request, alert: UUID) -> Response:
        """Read an alert."""
        return told(request, _shown(_alert(alert)))


class Acknowledge(Endpoint):
    """That somebody saw it. What was a change is over by that; what lasts stays open until it ends by itself."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape = "Alert"

    def post(self, request: Request, alert: UUID) -> Response:
        """Acknowledge an alert. Of two callers, the second reads who was first."""
        return acted(
            request,
            lambda: _shown(_alert(alert)),
            lambda change: alerts.acknowledge(change, _alert(alert).partner_id, alert, timezone.now()),
        )


def _wanted(given: Mapping[str, Any]) -> Wanted:
    return Wanted(
        partners=overviews.ids_of_slug(given["partner"]) if "partner" in given else None,
        kind=given.get("kind", ""),
        is_over=_STATES[given["state"]] if "state" in given else None,
        is_seen=_SEEN[given["acknowledged"]] if "acknowledged" in given else None,
    )


def _alert(alert_id: UUID) -> Row:
    row = alerts.find(alert_id)
    if row is None:
        raise not_found()
    return row


def _shown(row: Row) -> dict[str, Any]:
    alert = tell(row)
    return {
        "id": alert.id,
        "partner": alert.slug,
        "trust": row.trust.name if row.trust is not None else None,
        "issuer": alert.issuer or None,
        "kind": alert.kind,
        "subject": alert.subject,
        "title": alert.title,
        "meaning": alert.meaning,
        "detail": row.detail,
        "lasts": alert.lasts,
        "raised_at": alert.raised_at,
        "ended_at": alert.ended_at,
        "acknowledged_at": alert.acknowledged_at,
        "acknowledged_by": alert.acknowledged_by or None,
    }
