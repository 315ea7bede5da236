"""Effective access: who could reach what, the way there, and who could have called something at a moment."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from audit.usage import usage, uses
from partners.access import Wanted, reach, target_names
from policy.parties import Risk
from portal.access.filters import AccessFilter, moment, plain
from portal.access.matrix import by_mapping, matrix, scopes_at
from portal.access.narrowing import hints
from portal.permissions import Permission
from portal.views.doors import needs
from portal.views.fragments import render_part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrPromise

    from partners.access import PartnerReach
    from policy.reach import Way

USE: Final = timedelta(days=30)
RISKS: Final[Mapping[Risk, _StrPromise]] = {
    Risk.MODERATE: gettext_lazy("Moderate or more"),
    Risk.HIGH: gettext_lazy("High or critical"),
    Risk.CRITICAL: gettext_lazy("Critical"),
}


@needs(Permission.PARTNERS_READ)
@require_GET
def access(request: HttpRequest) -> HttpResponse:
    """Partners by targets, with the number of scopes that could be had; compared with a moment where one is given."""
    now, chosen = timezone.now(), AccessFilter.read(request.GET)
    at, fault = moment(chosen.at, now)
    wanted, after = chosen.wanted, plain(request.GET.get("after", ""))
    page = reach(wanted, ceiling=settings.HANDOVER.token_lifetime, after=after, at=at)
    used = uses([partner.id for partner in page.partners], since=now - USE)
    shown = matrix(page, used, wanted, only_unused=bool(chosen.unused))
    context = {
        **_shared(chosen, fault, now),
        "at": at,
        "target_names": page.offered,
        "matrix": shown,
        "pairs": len(shown.rows) * len(shown.targets),
        "older": chosen.query(after=page.next) if page.next else "",
        "newer": chosen.query() if after else "",
    }
    return _answer(request, "access/matrix.html", "access/_matrix.html", context)


@needs(Permission.PARTNERS_READ)
@require_GET
def cell(request: HttpRequest, slug: str, target: str) -> HttpResponse:
    """One partner at one target: every way there, what was used of it, and what could be narrowed."""
    now = timezone.now()
    wanted = Wanted(slug=slug, target=target)
    page = reach(wanted, ceiling=settings.HANDOVER.token_lifetime)
    if not (page.partners and page.targets):
        words = _("No partner “%(slug)s” has ever had a mapping to a target “%(target)s”. Look them up in the matrix.")
        raise Http404(words % {"slug": slug, "target": target})
    partner, reached = page.partners[0], page.targets[0]
    used = usage(partner.id, reached.audience, since=now - USE)
    context = {
        "partner": partner,
        "target": reached,
        "scopes": scopes_at(partner.ways, reached, wanted),
        "paths": [(group, hints(group, used)) for group in by_mapping(partner.ways)],
        "used": used,
        "now": now,
    }
    return render_part(request, "access/cell.html", "access/_cell.html", context)


@needs(Permission.PARTNERS_READ)
@require_GET
def who(request: HttpRequest) -> HttpResponse:
    """Who could call a target with a scope, now or at a moment: partners, their clients, and by which mapping."""
    now, chosen = timezone.now(), AccessFilter.read(request.GET)
    at, fault = moment(chosen.at, now)
    after = plain(request.GET.get("after", ""))
    is_asked = bool(chosen.target) and not fault
    context = {**_shared(chosen, fault, now), "at": at, "is_asked": is_asked}
    if not is_asked:
        context["target_names"] = target_names()
    else:
        page = reach(chosen.wanted, ceiling=settings.HANDOVER.token_lifetime, after=after, at=at)
        context |= {
            "target_names": page.offered,
            "callers": [(partner, way) for partner in page.partners for way in _then(partner, at)],
            "older": chosen.query(after=page.next) if page.next else "",
            "newer": chosen.query() if after else "",
        }
    return _answer(request, "access/who.html", "access/_who.html", context)


def _then(partner: PartnerReach, at: datetime | None) -> tuple[Way, ...]:
    return partner.ways if at is None else partner.before or ()


def _shared(chosen: AccessFilter, fault: str, now: datetime) -> dict[str, Any]:
    return {
        "chosen": chosen,
        "fault": fault,
        "risks": RISKS.items(),
        "latest": f"{now:%Y-%m-%dT%H:%M}",
        "now": now,
    }


def _answer(request: HttpRequest, page: str, part: str, context: dict[str, Any]) -> HttpResponse:
    """The page or its part; with 422 where the moment asked for is none."""
    response = render_part(request, page, part, context)
    if context["fault"]:
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return response
