"""Several partners at once: chosen on the list, looked at one by one here, and done to each that it can be done to."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from audit import tallies
from partners import overviews
from partners.changes import changing
from portal.filters import PartnerFilter
from portal.form_fields import day, line
from portal.overview.figures import figures, hours_until
from portal.partner_pages import bulk
from portal.partner_pages.bulk import LABELS, MOST, BulkAct, Value
from portal.partner_pages.frame import STATES
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.views.doors import needs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from partners.overviews import PartnerEntry


class _Owner(forms.Form):
    """Who answers for them from now on."""

    owner = line(gettext_lazy("New owner"), gettext_lazy("The e-mail address of an account here."))


class _Review(forms.Form):
    """When somebody looks at them again."""

    review_due_on = day(gettext_lazy("Day of the review"), required=True)


NAMED: Final = 5
"""Failures that are told one by one on the list, afterwards."""

_FORMS = {BulkAct.OWNER: _Owner, BulkAct.REVIEW: _Review}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is to be done, and to whom: by name, so that nobody is among them who was not shown."""

    act: BulkAct
    slugs: tuple[str, ...]
    is_all: bool = False
    """Whether they are all that match a filter."""


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def several(request: HttpRequest) -> HttpResponse:
    """What it brings about for each, and the button. 409 where it can be done to none of them."""
    asked = _asked(request)
    if complaint := _complaint(asked):
        messages.error(request, complaint)
        return redirect("partners")
    kind = _FORMS.get(asked.act, forms.Form)
    if request.method == "GET":
        return _page(request, asked, kind(), Value())
    form = kind(request.POST)
    if not form.is_valid():
        return _page(request, asked, form, Value(), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    value = Value(**form.cleaned_data)
    done, failed = bulk.do_all(asked.act, asked.slugs, value, actor_of(request.user), changing)
    if not done:
        return _page(request, asked, form, value, status=HTTPStatus.CONFLICT, failed=failed)
    words = ngettext("%(act)s: done to %(count)d partner.", "%(act)s: done to %(count)d partners.", len(done))
    messages.success(request, words % {"act": LABELS[asked.act], "count": len(done)})
    for told in _told(failed):
        messages.error(request, told)
    return redirect("partners")


def _asked(request: HttpRequest) -> _Asked:
    """Those that are named; a filter is followed only to show whom it means now. Raises ``Http404``."""
    given = request.POST if request.method == "POST" else request.GET
    act = _act(given.get("act", ""))
    if request.method == "GET" and given.get("all"):
        chosen = PartnerFilter.read(given, STATES)
        wanted = overviews.Wanted(text=chosen.q, state=chosen.state)
        return _Asked(act=act, slugs=overviews.slugs(wanted, most=MOST + 1), is_all=True)
    named = dict.fromkeys(slug for slug in given.getlist("partner") if "\x00" not in slug)
    return _Asked(act=act, slugs=tuple(named)[: MOST + 1])


def _complaint(asked: _Asked) -> str:
    if not asked.slugs:
        return _("No partner was chosen, so there is nothing to do. Tick those that are meant.")
    if len(asked.slugs) > MOST:
        words = _("More than %(most)d partners were chosen, so nothing was done. Narrow the filter and choose again.")
        return words % {"most": MOST}
    return ""


def _told(failed: tuple[bulk.Failure, ...]) -> Iterator[str]:
    """To whom it was not done: the first ones by name, the others by their number."""
    for failure in failed[:NAMED]:
        yield f"{failure.slug}: {failure.why}"
    more = len(failed) - NAMED
    if more > 0:
        words = ngettext("And %(count)d more, left as it is.", "And %(count)d more, left as they are.", more)
        yield words % {"count": more}


def _act(name: str) -> BulkAct:
    try:
        return BulkAct(name)
    except ValueError as error:
        raise Http404(_("Nothing of that name can be done to several partners. Go back to their list.")) from error


def _page(
    request: HttpRequest,
    asked: _Asked,
    form: forms.Form,
    value: Value,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    failed: tuple[bulk.Failure, ...] = (),
) -> HttpResponse:
    partners = overviews.chosen(asked.slugs, now=timezone.now())
    found = bulk.prospects(asked.act, partners, _granted(partners), value)
    context: dict[str, Any] = {
        "act": asked.act,
        "is_all": asked.is_all,
        "title": LABELS[asked.act],
        "prospects": found,
        "possible": [prospect for prospect in found if not prospect.obstacle],
        "failed": failed,
        "form": form,
        "unknown": sorted(set(asked.slugs) - {partner.slug for partner in partners}),
    }
    return render(request, "partners/several.html", context, status=status)


def _granted(partners: tuple[PartnerEntry, ...]) -> Mapping[UUID, int]:
    hours = hours_until(timezone.now())
    day = figures(tallies.totals(hours, partners=[partner.id for partner in partners]), hours)
    return {entry.partner_id: entry.granted for entry in day.partners}
