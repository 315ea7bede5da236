"""The addresses below a partner's clients, where they are written."""

from __future__ import annotations

from django.urls import path

from portal.partner_pages.clients.pages import amending, clients

urlpatterns = [
    path("new", clients.new, name="partners-client-new"),
    path("<path:client_id>/edit", amending.edit, name="partners-client-edit"),
    path("<path:client_id>/secret", clients.secret, name="partners-client-secret"),
    path("<path:client_id>/acts/<slug:act>", clients.act, name="partners-client-act"),
]
