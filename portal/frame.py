"""What every page has around it: the navigation of the person's roles, the name of the installation, the language."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils import translation

from portal.navigation import sections_for
from portal.permissions import Permission, permissions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

    from portal.navigation import Section


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of every page. ``here`` is the section the address belongs to: the first word of its name.

    ``held`` is what the person may do: templates leave out what they never can.
    """
    held = permissions_of(getattr(request, "user", AnonymousUser()))
    match = request.resolver_match
    return bare_frame() | {
        "navigation": list(_by_heading(held)),
        "held": held,
        "here": (match.url_name or "").partition("-")[0] if match else "",
        "may_search": Permission.EXCHANGES_READ in held,
    }


def bare_frame() -> dict[str, Any]:
    """Context that needs neither request nor database, for the page that says that one of them failed."""
    return {
        "environment": settings.HANDOVER.environment,
        "is_demo": settings.HANDOVER.demo,
        "language": translation.get_language() or settings.LANGUAGE_CODE,
        "direction": "rtl" if translation.get_language_bidi() else "ltr",
    }


def _by_heading(held: frozenset[Permission]) -> Iterator[tuple[str, list[Section]]]:
    for heading, sections in groupby(sections_for(held), key=lambda section: str(section.heading)):
        yield heading, list(sections)
