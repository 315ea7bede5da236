"""The door of the partner's side: it lets in a partner's own admin, hands the view their side, and notes who strays."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _

from audit.partner_side_events import ForeignObjectAsked
from partners.changes import changing
from partners.states import PartnerState
from portal.partner_side.sides import NotYours, side_of
from portal.people.events import actor_of
from portal.permissions import Permission
from portal.views.doors import needs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from http import HTTPStatus
    from typing import Any

    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

    from portal.partner_side.sides import Side

    View = Callable[..., HttpResponseBase]

LONGEST_NAME = 255


def own_side(view: Callable[..., HttpResponse]) -> View:
    """Let in a partner's own admin, with their side as the second argument. What is not theirs is 404 and an event."""

    @needs(Permission.CONNECT)
    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        side = side_of(request.user)
        if side is None:
            raise PermissionDenied(_("Your account is bound to no partner. Ask whoever invited you for a new link."))
        if side.partner.state == PartnerState.OFFBOARDED:
            raise PermissionDenied(_("The partnership has ended, and its connection with it. Ask your contact here."))
        try:
            response = view(request, side, *args, **kwargs)
        except NotYours as error:
            _note(request, side, error)
            words = _("Nothing of yours is at this address. It may have been mistyped, or the thing it named is gone.")
            raise Http404(words) from error
        return unleaking(response)

    return guarded


def side_page(
    request: HttpRequest, side: Side, page: str, context: Mapping[str, Any], *, status: HTTPStatus | int = 200
) -> HttpResponse:
    """A page of the partner's side. ``page`` is its template; the first word of it is the section it belongs to."""
    shared = {"partner": side.partner, "section": page.partition("/")[0]}
    return render(request, f"connect/{page}.html", {**shared, **context}, status=status)


def unleaking(response: HttpResponse) -> HttpResponse:
    """Nobody hears of the address, neither the next page nor a search engine.

    Not ``no-referrer``: with it browsers send forms with the origin ``null``, which the check of forms refuses.
    """
    response["Referrer-Policy"] = "strict-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


def _note(request: HttpRequest, side: Side, error: NotYours) -> None:
    data = {"object": error.kind, "name": error.name[:LONGEST_NAME], "person": str(side.person.pk)}
    with changing(actor_of(request.user)) as change:
        change.record(ForeignObjectAsked(partner_id=side.partner.id, partner=side.partner.slug, data={**data}))
