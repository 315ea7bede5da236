"""The addresses below a partner's trusts, where they are written."""

from __future__ import annotations

from django.urls import path

from portal.views import partner_amending, partner_introspection, partner_trusts, trust_health

urlpatterns = [
    path("new", partner_trusts.new, name="partners-trust-new"),
    path("check", partner_trusts.check, name="partners-trust-check"),
    path("keys/<uuid:source>/confirm", partner_trusts.confirm, name="partners-keys-confirm"),
    path("published", trust_health.published, name="partners-trust-published"),
    path("canaries/try", trust_health.try_canaries, name="partners-canaries-try"),
    path("<slug:name>/look", trust_health.look, name="partners-trust-look"),
    path("alerts/<uuid:alert_id>/acknowledge", trust_health.acknowledge, name="partners-alert-acknowledge"),
    path("<slug:name>/edit", partner_amending.trust, name="partners-trust-edit"),
    path("<slug:name>/introspection-secret", partner_introspection.secret, name="partners-trust-introspection"),
    path("<slug:name>/withdraw", partner_trusts.withdraw, name="partners-trust-withdraw"),
]
