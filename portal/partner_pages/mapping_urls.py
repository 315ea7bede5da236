"""The addresses below a partner's mappings, where they are written."""

from __future__ import annotations

from django.urls import path

from portal.views import mapping_suggestions, partner_mappings

urlpatterns = [
    path("new", partner_mappings.new, name="partners-mapping-new"),
    path("new/suggested", mapping_suggestions.suggested, name="partners-mapping-new-suggested"),
    path("<slug:name>/edit/suggested", mapping_suggestions.suggested, name="partners-mapping-suggested"),
    path("<slug:name>/versions", partner_mappings.versions, name="partners-mapping-versions"),
    path("<slug:name>/edit", partner_mappings.edit, name="partners-mapping-edit"),
    path("<slug:name>/publish", partner_mappings.publish, name="partners-mapping-publish"),
    path("<slug:name>/discard", partner_mappings.discard, name="partners-mapping-discard"),
    path("<slug:name>/restore", partner_mappings.restore, name="partners-mapping-restore"),
    path("<slug:name>/withdraw", partner_mappings.withdraw, name="partners-mapping-withdraw"),
]
