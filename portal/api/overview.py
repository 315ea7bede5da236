"""The last day in figures, and what needs attention: counted from the audit trail and the configuration when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from rest_framework.response import Response

from audit.tallies import tally_of_all
from partners import overviews
from partners.attention import attention
from portal.api.asked_shapes import CONCERN
from portal.api.endpoint import Endpoint
from portal.api.showing import shown
from portal.overview.figures import figures, hours_until
from portal.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rest_framework.request import Request

    from portal.overview.figures import Figures

BUSIEST: Final = 6


class Overview(Endpoint):
    """The exchanges of the last 24 hours of the clock, the last of which still runs; and what needs attention."""

    needs = {"GET": Permission.AUDIT_READ}
    shape = "Overview"

    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Read how the last day went. Alerts and what ends next have lists of their own."""
        now = timezone.now()
        hours = hours_until(now)
        counted = tally_of_all(hours, busiest=BUSIEST)
        day = figures(counted.tallies, hours)
        return Response(
            {
                **day.totals,
                "hours": [dict(zip(("at", "granted", "refused", "failed"), row, strict=True)) for row in day.rows],
                "reasons": [{"reason": reason, "count": count} for reason, count in day.reasons],
                "busiest": list(_busiest(day)),
                "partners_seen": counted.partners,
                "partners": overviews.states(),
                "attention": [shown(CONCERN, item, partner=item.partner.slug) for item in attention(now)],
            }
        )


def _busiest(day: Figures) -> Iterator[dict[str, Any]]:
    busiest = day.partners[:BUSIEST]
    names = overviews.names(entry.partner_id for entry in busiest)
    for entry in busiest:
        if entry.partner_id in names:
            counts = {"granted": entry.granted, "refused": entry.refused, "failed": entry.failed}
            yield {"partner": names[entry.partner_id].slug, **counts}
