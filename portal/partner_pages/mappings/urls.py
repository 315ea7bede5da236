"""The addresses below a partner's mappings, where they are written."""

from __future__ import annotations

from django.urls import path

from portal.partner_pages.mappings.pages import from_token, mappings, suggestions

urlpatterns = [
    path("new", mappings.new, name="partners-mapping-new"),
    path("from-token", from_token.from_token, name="partners-mappings-from-token"),
    path("new/suggested", suggestions.suggested, name="partners-mapping-new-suggested"),
    path("<slug:name>/edit/suggested", suggestions.suggested, name="partners-mapping-suggested"),
    path("<slug:name>/versions", mappings.versions, name="partners-mapping-versions"),
    path("<slug:name>/edit", mappings.edit, name="partners-mapping-edit"),
    path("<slug:name>/publish", mappings.publish, name="partners-mapping-publish"),
    path("<slug:name>/discard", mappings.discard, name="partners-mapping-discard"),
    path("<slug:name>/restore", mappings.restore, name="partners-mapping-restore"),
    path("<slug:name>/withdraw", mappings.withdraw, name="partners-mapping-withdraw"),
]
