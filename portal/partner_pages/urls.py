"""The addresses of partners: the list, one partner's tabs, and what is written below them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import include, path

from portal.partner_pages.clients.pages import clients
from portal.partner_pages.mappings.pages import mappings
from portal.partner_pages.pages import bulk, life, partners, registering, trying
from portal.partner_pages.people import pages as people
from portal.partner_pages.trusts.pages import trusts

if TYPE_CHECKING:
    from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = [
    path("partners", partners.partners, name="partners"),
    path("register-partner", registering.new, name="partners-new"),
    path("change-partners", bulk.several, name="partners-bulk"),
    path("partners/<slug:slug>", partners.summary, name="partners-summary"),
    path("partners/<slug:slug>/edit", registering.edit, name="partners-edit"),
    path("partners/<slug:slug>/trust", trusts.trusts, name="partners-trust"),
    path("partners/<slug:slug>/trust/", include("portal.partner_pages.trusts.urls")),
    path("partners/<slug:slug>/clients", clients.clients, name="partners-clients"),
    path("partners/<slug:slug>/clients/", include("portal.partner_pages.clients.urls")),
    path("partners/<slug:slug>/mappings", mappings.mappings, name="partners-mappings"),
    path("partners/<slug:slug>/mappings/", include("portal.partner_pages.mappings.urls")),
    path("partners/<slug:slug>/people", people.people, name="partners-people"),
    path("partners/<slug:slug>/people/", include("portal.partner_pages.people.urls")),
    path("partners/<slug:slug>/activity", partners.activity, name="partners-activity"),
    path("partners/<slug:slug>/integration", registering.handed_over, name="partners-integration"),
    path("partners/<slug:slug>/try", trying.tried, name="partners-try"),
    path("partners/<slug:slug>/history", registering.history, name="partners-history"),
    path("partners/<slug:slug>/acts/<slug:act>", life.act, name="partners-act"),
]
