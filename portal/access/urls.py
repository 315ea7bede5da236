"""The addresses of effective access."""

from __future__ import annotations

from django.urls import path

from portal.access import pages

urlpatterns = [
    path("access", pages.access, name="access"),
    path("access/who", pages.who, name="access-who"),
    path("access/<slug:slug>/<slug:target>", pages.cell, name="access-cell"),
]
