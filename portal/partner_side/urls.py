"""The addresses of the partner's side, all below /connect: each opens for a partner's own admin and for nobody else."""

from __future__ import annotations

from django.urls import path

from portal.views import connect, connect_clients, connect_issuer, connect_mappings, connect_past

urlpatterns = [
    path("connect", connect.home, name="connect"),
    path("connect/try", connect.attempt, name="connect-try"),
    path("connect/try/newest", connect.newest, name="connect-newest"),
    path("connect/hand-over", connect.hand_over, name="connect-hand-over"),
    path("connect/issuer", connect_issuer.new, name="connect-issuer"),
    path("connect/issuer/check", connect_issuer.check, name="connect-issuer-check"),
    path("connect/trusts/<slug:name>", connect_issuer.change, name="connect-trust"),
    path("connect/trusts/<slug:name>/keys", connect_issuer.keys, name="connect-keys"),
    path("connect/trusts/<slug:name>/keys/remove", connect_issuer.remove_key, name="connect-key-remove"),
    path("connect/mappings/<slug:mapping>", connect_mappings.propose, name="connect-mapping"),
    path("connect/mappings/<slug:mapping>/withdraw", connect_mappings.withdraw, name="connect-mapping-withdraw"),
    path("connect/proposals/<uuid:proposal_id>/withdraw", connect_issuer.withdraw, name="connect-proposal-withdraw"),
    path("connect/clients/<path:client_id>/secret", connect_clients.secret, name="connect-client-secret"),
    path("connect/clients/<path:client_id>/keys", connect_clients.keys, name="connect-client-keys"),
    path("connect/clients/<path:client_id>/keys/remove", connect_clients.remove_key, name="connect-client-key-remove"),
    path("connect/exchanges", connect_past.exchanges, name="connect-exchanges"),
    path("connect/exchanges/<str:reference>", connect_past.exchange, name="connect-exchange"),
    path("connect/history", connect_past.history, name="connect-history"),
]
