"""A draft of a mapping in shadow: what it would have changed of the exchanges since, started and stopped."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from partners import excerpts, profiles
from partners.changes import changing
from partners.errors import ConfigurationError
from portal.filters import as_uuid
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.simulator import shadow_lists, shadows
from portal.simulator.replaying import EFFECTS, Effect
from portal.views.doors import needs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@needs(Permission.EXCHANGES_READ)
@require_GET
def shadow(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """What the last shadow of the mapping's drafts found, and whether it still runs."""
    return _page(request, slug, name)


@needs(Permission.PARTNERS_WRITE)
@require_POST
def start(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """The draft runs in shadow from now on."""
    draft = excerpts.draft_named(slug, name)
    if draft is None:
        words = _("Mapping %(name)s of %(partner)s has no draft. It may have been published or discarded.")
        raise Http404(words % {"name": name, "partner": slug})
    try:
        with changing(actor_of(request.user)) as change:
            shadows.start(change, draft)
    except ConfigurationError as error:
        return _page(request, slug, name, obstacle=str(error), status=HTTPStatus.CONFLICT)
    return redirect("simulator-shadow", slug, name)


@needs(Permission.PARTNERS_WRITE)
@require_POST
def stop(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """It runs in shadow no more; what it found stays to be read."""
    partner = profiles.profile(slug)
    found = None if partner is None else shadow_lists.newest(partner.id, name)
    if found is None:
        raise Http404(_never(slug, name))
    try:
        with changing(actor_of(request.user)) as change:
            shadows.stop(change, found.id)
    except ConfigurationError as error:
        return _page(request, slug, name, obstacle=str(error), status=HTTPStatus.CONFLICT)
    return redirect("simulator-shadow", slug, name)


def _never(slug: str, name: str) -> str:
    words = _("No draft of mapping %(name)s of %(partner)s ran in shadow. Write one, then start it on its page.")
    return words % {"name": name, "partner": slug}


def _page(
    request: HttpRequest, slug: str, name: str, *, obstacle: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    partner, draft = profiles.profile(slug), excerpts.draft_named(slug, name)
    found = None if partner is None else shadow_lists.newest(partner.id, name)
    if partner is None or (found is None and draft is None):
        raise Http404(_never(slug, name))
    effect = request.GET.get("effect", "")
    chosen = Effect(effect) if effect in set(Effect) else None
    context: dict[str, Any] = {
        "partner": partner,
        "name": name,
        "draft": draft,
        "shadow": found,
        "obstacle": obstacle,
        "most": shadows.LISTED,
        "chosen": chosen,
        "chosen_word": EFFECTS[chosen] if chosen else "",
        **_differences(request, found, chosen),
    }
    return render(request, "simulator/shadow.html", context, status=status)


def _differences(request: HttpRequest, found: shadow_lists.Shown | None, chosen: Effect | None) -> dict[str, Any]:
    if found is None:
        return {}
    before = as_uuid(request.GET.get("before", ""))
    lines, older = shadow_lists.differences(found.id, effect=chosen or "", before=before)
    query = f"?before={older}" + (f"&effect={chosen}" if chosen else "")
    return {"lines": lines, "older": query if older else ""}
