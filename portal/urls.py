"""Every address of the Django lane; the hot paths are answered before Django (``portal.asgi``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import include, path

from portal.api.nowhere import Nowhere
from portal.overview import pages as overview
from portal.partner_side.pages.invitation import invitation
from portal.reminding import pages as reminding
from portal.views import home, search

if TYPE_CHECKING:
    from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("", include("portal.signing_in.urls")),
    path("oauth/", include("exchange.urls")),
    path("api", Nowhere.as_view()),
    path("api/", include("portal.api.urls")),
    path("overview", overview.overview, name="overview"),
    path("", include("portal.partner_pages.urls")),
    path("ending", reminding.ending, name="partners-ending"),
    path("invitation/<str:token>", invitation, name="invitation"),
    path("", include("portal.partner_side.urls")),
    path("", include("portal.people.urls")),
    path("", include("portal.access.urls")),
    path("", include("portal.simulator.urls")),
    path("", include("portal.exchange_pages.urls")),
    path("search", search.search, name="search"),
]

handler400 = "portal.views.errors.bad_request"
handler403 = "portal.views.errors.permission_denied"
handler404 = "portal.views.errors.page_not_found"
handler500 = "portal.views.errors.server_error"
