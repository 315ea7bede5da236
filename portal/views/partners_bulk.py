"""Several partners at once: chosen on the list, looked at one by one here, and done to each that it can be done to."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from audit import selectors as trail
from partners import overviews
from partners.changes import changing
from portal.overview.figures import figures, hours_until
from portal.partner_pages import bulk
from portal.partner_pages.bulk import LABELS, MOST, BulkAct, Value
from portal.partner_pages.form_fields import line
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.views.doors import needs
from portal.views.partner_frame import STATES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from partners.overviews import PartnerEntry


class _Owner(forms.Form):
    """Who answers for them from now on."""

    owner = line(gettext_lazy("New owner"), gettext_lazy("The e-mail address of an account here."))


class _Review(forms.Form):
    """When somebody looks at them again."""

    review_due_on = forms.DateField(
        label=gettext_lazy("Day of the review"),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"class": "inp", "type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": gettext_lazy("Day of the review is empty. Fill it in.")},
    )


_FORMS = {BulkAct.OWNER: _Owner, BulkAct.REVIEW: _Review}


@needs(Permission.PARTNERS_WRITE)
@require_http_methods(["GET", "POST"])
def several(request: HttpRequest) -> HttpResponse:
    """What it brings about for each, and the button. 409 where it can be done to none of them."""
    asked = request.POST if request.method == "POST" else request.GET
    act, slugs = _act(asked.get("act", "")), list(dict.fromkeys(asked.getlist("partner")))[:MOST]
    if not slugs:
        messages.error(request, _("No partner was chosen, so there is nothing to do. Tick those that are meant."))
        return redirect("partners")
    kind = _FORMS.get(act, forms.Form)
    if request.method == "GET":
        return _page(request, act, slugs, kind(), Value())
    form = kind(request.POST)
    if not form.is_valid():
        return _page(request, act, slugs, form, Value(), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    value = Value(**form.cleaned_data)
    done, failed = bulk.do_all(act, slugs, value, actor_of(request.user), changing)
    if not done:
        return _page(request, act, slugs, form, value, status=HTTPStatus.CONFLICT, failed=failed)
    words = ngettext("%(act)s: done to %(count)d partner.", "%(act)s: done to %(count)d partners.", len(done))
    messages.success(request, words % {"act": LABELS[act], "count": len(done)})
    for failure in failed:
        messages.error(request, f"{failure.slug}: {failure.why}")
    return redirect("partners")


def _act(name: str) -> BulkAct:
    try:
        return BulkAct(name)
    except ValueError as error:
        raise Http404(_("Nothing of that name can be done to several partners. Go back to their list.")) from error


def _page(  # noqa: PLR0913 - what was asked, and what became of it
    request: HttpRequest,
    act: BulkAct,
    slugs: list[str],
    form: forms.Form,
    value: Value,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    failed: tuple[bulk.Failure, ...] = (),
) -> HttpResponse:
    now = timezone.now()
    partners = overviews.chosen(slugs, now=now)
    found = bulk.prospects(act, partners, _granted(partners), value)
    possible = [prospect for prospect in found if not prospect.obstacle]
    context: dict[str, Any] = {
        "act": act,
        "title": LABELS[act],
        "prospects": found,
        "possible": possible,
        "failed": failed,
        "form": form,
        "states": STATES.items(),
        "unknown": sorted(set(slugs) - {partner.slug for partner in partners}),
    }
    return render(request, "partners/several.html", context, status=status)


def _granted(partners: tuple[PartnerEntry, ...]) -> Mapping[UUID, int]:
    hours = hours_until(timezone.now())
    day = figures(trail.tally(hours[0], hours, partners=[partner.id for partner in partners]), hours)
    return {entry.partner_id: entry.granted for entry in day.partners}
