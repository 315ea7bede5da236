"""The addresses below a partner's clients, where they are written."""

from __future__ import annotations

from django.urls import path

from portal.views import partner_amending, partner_clients

urlpatterns = [
    path("new", partner_clients.new, name="partners-client-new"),
    path("<path:client_id>/edit", partner_amending.client, name="partners-client-edit"),
    path("<path:client_id>/secret", partner_clients.secret, name="partners-client-secret"),
    path("<path:client_id>/acts/<slug:act>", partner_clients.act, name="partners-client-act"),
]
