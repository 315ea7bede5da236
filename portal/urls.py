"""Every address of the Django lane; the hot paths are answered before Django (``portal.asgi``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account import views as allauth
from django.urls import include, path

from portal.views import exchanges, home, overview, partners

if TYPE_CHECKING:
    from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("account", home.account, name="account"),
    path("oauth/", include("exchange.urls")),
    path("sign-in", allauth.login, name="account_login"),
    path("sign-out", allauth.logout, name="account_logout"),
    path("account-closed", allauth.account_inactive, name="account_inactive"),
    path("overview", overview.overview, name="overview"),
    path("partners", partners.partners, name="partners"),
    path("partners/<slug:slug>", partners.summary, name="partners-summary"),
    path("partners/<slug:slug>/trust", partners.trust, name="partners-trust"),
    path("partners/<slug:slug>/clients", partners.clients, name="partners-clients"),
    path("partners/<slug:slug>/mappings", partners.mappings, name="partners-mappings"),
    path("partners/<slug:slug>/activity", partners.activity, name="partners-activity"),
    path("exchanges", exchanges.exchanges, name="exchanges"),
    path("exchanges/<str:reference>", exchanges.trace, name="exchanges-trace"),
]

handler400 = "portal.views.errors.bad_request"
handler403 = "portal.views.errors.permission_denied"
handler404 = "portal.views.errors.page_not_found"
handler500 = "portal.views.errors.server_error"
