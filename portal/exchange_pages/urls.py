"""The addresses of exchanges: the list, its export, one with its trace."""

from __future__ import annotations

from django.urls import path

from portal.exchange_pages import pages

urlpatterns = [
    path("exchanges", pages.exchanges, name="exchanges"),
    path("exchanges/export.csv", pages.export, name="exchanges-export"),
    path("exchanges/<str:reference>", pages.trace, name="exchanges-trace"),
]
