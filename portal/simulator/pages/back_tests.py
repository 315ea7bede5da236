"""A draft of a mapping against the exchanges of the last days: what it would change, before it is published."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.http import Http404
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from partners import excerpts
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.simulator.back_tests import Bounds, back_test, keep
from portal.views.doors import needs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

DAYS: Final = (7, 30, 90)
BOUNDS: Final = Bounds()


@needs(Permission.EXCHANGES_READ)
@require_http_methods(["GET", "POST"])
def back_tests(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """The page, and on a POST what came of it, which is kept. No exchange is recorded or changed."""
    draft = excerpts.draft_named(slug, name)
    if draft is None:
        words = _("Mapping %(name)s of %(partner)s has no draft. It may have been published or discarded.")
        raise Http404(words % {"name": name, "partner": slug})
    asked = request.POST.get("days", "")
    days = int(asked) if asked in {str(days) for days in DAYS} else DAYS[0]
    report = None
    if request.method == "POST":
        since = timezone.now() - timedelta(days=days)
        report = back_test(draft, since=since, bounds=BOUNDS)
        keep(draft, report, actor_of(request.user), since=since)
    context = {"draft": draft, "days": days, "choices": DAYS, "report": report}
    return render(request, "simulator/back_test.html", context)
