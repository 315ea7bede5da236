"""What is done to one client, trust or mapping of a partner: a page that says what it means, and has the button."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect

from partners.changes import changing
from partners.errors import ConfigurationError
from portal.partner_pages.frame import partner_page
from portal.people.events import actor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest, HttpResponse

    from partners.changes import Change
    from partners.profiles import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One such deed: its page, what does it, where it leads, and why it cannot be done now, if that is so."""

    page: str
    do: Callable[[Change], object]
    done: str
    obstacle: str


def deed_page(request: HttpRequest, partner: Profile, deed: Deed, context: Mapping[str, Any]) -> HttpResponse:
    """The page, for a GET. For a POST on to where it leads, or 409 with what the services said against it."""
    obstacle, status = deed.obstacle, HTTPStatus.OK
    if request.method == "POST":
        try:
            with changing(actor_of(request.user)) as change:
                deed.do(change)
        except ConfigurationError as error:
            obstacle, status = str(error), HTTPStatus.CONFLICT
        else:
            return redirect(deed.done, partner.slug)
    return partner_page(request, partner, deed.page, {**context, "obstacle": obstacle}, status=status)
