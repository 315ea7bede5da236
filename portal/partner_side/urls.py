"""The addresses of the partner's side, all below /connect: each opens for a partner's own admin and for nobody else."""

from __future__ import annotations

from django.urls import path

from portal.partner_side.pages import client_secrets, connection, domain, issuers, keys, mappings, past, trying

urlpatterns = [
    path("connect", connection.home, name="connect"),
    path("connect/try", trying.attempt, name="connect-try"),
    path("connect/try/newest", trying.newest, name="connect-newest"),
    path("connect/hand-over", trying.hand_over, name="connect-hand-over"),
    path("connect/domain", domain.prove, name="connect-domain"),
    path("connect/issuer", issuers.new, name="connect-issuer"),
    path("connect/issuer/check", issuers.check, name="connect-issuer-check"),
    path("connect/trusts/<slug:name>", issuers.change, name="connect-trust"),
    path("connect/trusts/<slug:name>/keys", keys.add, name="connect-keys"),
    path("connect/trusts/<slug:name>/keys/remove", keys.remove, name="connect-key-remove"),
    path("connect/mappings/<slug:mapping>", mappings.propose, name="connect-mapping"),
    path("connect/mappings/<slug:mapping>/withdraw", mappings.withdraw, name="connect-mapping-withdraw"),
    path("connect/proposals/<uuid:proposal_id>/withdraw", issuers.withdraw, name="connect-proposal-withdraw"),
    path("connect/clients/<path:client_id>/secret", client_secrets.secret, name="connect-client-secret"),
    path("connect/clients/<path:client_id>/keys", keys.add, name="connect-client-keys"),
    path("connect/clients/<path:client_id>/keys/remove", keys.remove, name="connect-client-key-remove"),
    path("connect/exchanges", past.exchanges, name="connect-exchanges"),
    path("connect/exchanges/<str:reference>", past.exchange, name="connect-exchange"),
    path("connect/history", past.history, name="connect-history"),
]
