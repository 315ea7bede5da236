"""The addresses below a partner's trusts, where they are written."""

from __future__ import annotations

from django.urls import path

from portal.partner_pages.trusts.pages import amending, health, introspection, trusts

urlpatterns = [
    path("new", trusts.new, name="partners-trust-new"),
    path("check", trusts.check, name="partners-trust-check"),
    path("health", health.health, name="partners-trust-health"),
    path("keys/<uuid:source>/confirm", trusts.confirm, name="partners-keys-confirm"),
    path("published", health.published, name="partners-trust-published"),
    path("canaries/try", health.try_canaries, name="partners-canaries-try"),
    path("<slug:name>/look", health.look, name="partners-trust-look"),
    path("alerts/<uuid:alert_id>/acknowledge", health.acknowledge, name="partners-alert-acknowledge"),
    path("<slug:name>/edit", amending.edit, name="partners-trust-edit"),
    path("<slug:name>/introspection-secret", introspection.secret, name="partners-trust-introspection"),
    path("<slug:name>/withdraw", trusts.withdraw, name="partners-trust-withdraw"),
]
