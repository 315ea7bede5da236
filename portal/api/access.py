"""Effective access: which client could get which scopes at which target, and by which mapping; never less than that."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import timezone

from partners.access import PartnerReach, Wanted, reach
from partners.notation import format_duration
from portal.api import queries
from portal.api.endpoint import Endpoint
from portal.permissions import Permission

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response

    from policy.reach import Way


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if timezone.is_naive(found) or found.year < 1970 or found > timezone.now():  # noqa: PLR2004 - the first instant
        raise ValueError(text)
    return found


_AT: Final = queries.Parameter(
    name="at",
    description="As it was at this moment, by the mappings that were in force then.",
    expected="a past instant with an offset, such as 2026-03-31T08:00:00Z",
    read=_moment,
    schema={"type": "string", "format": "date-time"},
)


class Access(Endpoint):
    """Every way from a client to a target, by partner: who could call what."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_list = "Way", True
    parameters = (
        *queries.LIST[1:],
        _AT,
        queries.text("partner", "Those of this partner only, by its name."),
        queries.text("target", "Those to this target only, by its name."),
        queries.text("scope", "Those by which this scope could be had only."),
    )

    def get(self, request: Request) -> Response:
        """List who could reach what."""
        at, given = self.given.get("at"), self.given
        wanted = Wanted(slug=given.get("partner", ""), target=given.get("target", ""), scope=given.get("scope", ""))
        after = queries.window(request, given).after
        page = reach(wanted, ceiling=settings.HANDOVER.token_lifetime, after=after, at=at)
        items = [
            _shown(partner, way)
            for partner in page.partners
            for way in (partner.ways if at is None else partner.before or ())
        ]
        return queries.page(request, items, page.next)


def _shown(partner: PartnerReach, way: Way) -> dict[str, Any]:
    return {
        "partner": partner.slug,
        "client": way.client_id,
        "target": way.mapping.target.name,
        "mapping": way.mapping.name,
        "version": way.mapping.version,
        "scopes": sorted(way.scopes),
        "lifetime": format_duration(way.lifetime),
        "max_depth": way.depth,
        "is_certain": way.is_certain,
    }
