"""The list of exchanges with its filters, and one exchange with the trace of its decision."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django_htmx.http import HttpResponseClientRedirect

from audit import selectors as trail
from exchange.protocol.errors import WIRE
from partners import overviews
from policy.reasons import Reason, Rule
from portal.exchange_pages import csv_export
from portal.exchange_pages.facts import fact_sheets
from portal.exchange_pages.rows import rows_of
from portal.exchange_pages.times import ends_of
from portal.exchange_pages.traces import trace as decision_trace
from portal.explanations.words import EXPLANATIONS, GROUPS, RULES, explain
from portal.filters import COLUMNS, OUTCOMES, RANGES, ExchangeFilter, as_uuid
from portal.overview.recent import happening
from portal.permissions import Permission
from portal.views.doors import needs
from portal.views.fragments import render_part, wants_part

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.http import HttpRequest

    from audit.selectors import Record


@needs(Permission.EXCHANGES_READ)
@require_GET
def exchanges(request: HttpRequest) -> HttpResponse:
    """Exchanges, newest first, 50 a page. A reference in the search box leads straight to its exchange."""
    chosen, now = ExchangeFilter.read(request.GET), timezone.now()
    search, fault = _search(chosen, now)
    if chosen.reference and trail.events_of(chosen.reference):
        return _go_to(request, reverse("exchanges-trace", args=[chosen.reference]))
    cursor = {name: as_uuid(request.GET.get(name, "")) for name in ("before", "after")}
    page = trail.exchanges(search, before=cursor["before"], after=cursor["after"])
    newest = str(page.entries[0].id) if page.entries else ""
    if chosen.live and request.GET.get("newest") == newest and wants_part(request):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)  # nothing to swap, nothing to say
    context = {
        **_following(chosen, newest, is_first=not any(cursor.values())),
        "chosen": chosen,
        "fault": fault,
        "rows": () if fault else rows_of(page.entries),
        "shown_columns": chosen.shown,
        "export": "" if fault else chosen.query(),
        "chips": [(name, _shown(name, value), chosen.without(name).query()) for name, value in chosen.narrowing],
        "any_time": chosen.without("range", "start", "end").query(range="any"),
        "older": chosen.query(before=page.older) if page.older and not fault else "",
        "newer": chosen.query(after=page.newer) if page.newer and not fault else "",
    }
    if not wants_part(request):
        context |= _choices()
    response = render_part(request, "exchanges/list.html", "exchanges/_list.html", context)
    if fault:
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return response


@needs(Permission.EXCHANGES_READ)
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """What the list would show, as a file: page after page, up to a bound. A time that is none leads to the list."""
    chosen, now = ExchangeFilter.read(request.GET), timezone.now()
    search, fault = _search(chosen, now)
    if fault:
        return redirect(f"{reverse('exchanges')}{chosen.query()}")
    response = StreamingHttpResponse(csv_export.lines(search), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="exchanges-{now:%Y%m%dT%H%M%S}Z.csv"'
    return cast("HttpResponse", response)  # a view may answer with either; Django's types know no word for both


def _following(chosen: ExchangeFilter, newest: str, *, is_first: bool) -> dict[str, Any]:
    """The addresses that follow the list, stop following, and ask once more; only its first page can be followed."""
    return {
        "follow": replace(chosen, live="1").query() if is_first else "",
        "stop": chosen.without("live").query(),
        "again": replace(chosen, live="1").query(newest=newest),
        "is_live": is_first and bool(chosen.live),
    }


def _go_to(request: HttpRequest, address: str) -> HttpResponse:
    """Elsewhere, as a whole page: a redirect that htmx follows by itself would land inside the list."""
    return HttpResponseClientRedirect(address) if wants_part(request) else redirect(address)


def _search(chosen: ExchangeFilter, now: datetime) -> tuple[trail.Search, str]:
    """What is asked of the trail, and why it cannot be: in words, else empty."""
    start, end, fault = ends_of(chosen, now)
    search = trail.Search(
        since=start if chosen.has_own_time else chosen.since(now),
        until=end,
        step=chosen.step,
        outcome=trail.Outcome(chosen.outcome) if chosen.outcome else None,
        reason=chosen.reason,
        client=chosen.client,
        target=chosen.target,
        partners=_partners(chosen) if not fault else (),
        reference=chosen.reference,
    )
    return search, fault


def _partners(chosen: ExchangeFilter) -> tuple[UUID, ...] | None:
    """The partners that the filter and the search box leave; None where neither names any."""
    asked = [overviews.ids_of_slug(chosen.partner)] if chosen.partner else []
    if chosen.q and not chosen.reference:
        asked.append(overviews.matching_ids(chosen.q))
    if not asked:
        return None
    return tuple(set(asked[0]).intersection(*asked[1:]))


def _shown(name: str, value: str) -> str:
    """A filter's value in words."""
    match name:
        case "outcome":
            return str(OUTCOMES[trail.Outcome(value)])
        case "reason":
            return str(explain(value).title)
        case "step":
            return _("Refused at: %(step)s") % {"step": RULES[Rule(value)]}
        case "start":
            return _("From %(time)s") % {"time": value}
        case "end":
            return _("Until %(time)s") % {"time": value}
    return value


def _choices() -> dict[str, Any]:
    partners, targets = overviews.suggestions()
    grouped = groupby(EXPLANATIONS.items(), key=lambda item: item[0].partition(".")[0])
    return {
        "ranges": [(name, label) for name, (label, _span) in RANGES.items()],
        "outcomes": OUTCOMES.items(),
        "steps": RULES.items(),
        "columns": COLUMNS.items(),
        "reasons": [(GROUPS[prefix], [(reason, words.title) for reason, words in items]) for prefix, items in grouped],
        "partners": partners,
        "targets": targets,
    }


@needs(Permission.EXCHANGES_READ)
@require_GET
def trace(request: HttpRequest, reference: str) -> HttpResponse:
    """One exchange by the reference its caller was given: every step, what was expected, what came, and why."""
    asked = as_uuid(reference)
    if asked is None:
        words = _("“%(text)s” is no reference. A reference looks like 0199e0c4-7c1e-7a40-a940-5b0e1f2391d2.")
        raise Http404(words % {"text": reference})
    records = trail.events_of(asked)
    if not records:
        words = _("No event has the reference %(text)s. The request may have reached another installation, or none.")
        raise Http404(words % {"text": asked})
    main = next((record for record in records if record.entry.kind in trail.EXCHANGE_KINDS), records[0])
    return render(request, "exchanges/trace.html", _told(main, [record for record in records if record is not main]))


def _told(record: Record, others: list[Record]) -> dict[str, Any]:
    entry, document = record.entry, record.document
    data: dict[str, Any] = document.get("data") or {}
    is_exchange = entry.kind in trail.EXCHANGE_KINDS
    answer = WIRE[Reason(entry.reason)] if entry.reason in set(Reason) else None
    return {
        "row": rows_of([entry])[0],
        "is_exchange": is_exchange,
        "data": data,
        "explanation": explain(entry.reason) if entry.reason else None,
        "description": getattr(answer, "description", ""),
        "status": data.get("status") or getattr(answer, "status", ""),
        "error": data.get("error") or getattr(answer, "error", ""),
        "steps": decision_trace(data.get("steps"), entry.reason) if is_exchange else (),
        "sheets": fact_sheets(data),
        "milliseconds": data["micros"] / 1000 if isinstance(data.get("micros"), int) else None,
        "happening": happening(record),
        "others": [(other.entry, happening(other)) for other in others],
    }
