"""The addresses below a partner's people: invitations, accounts, proposals."""

from __future__ import annotations

from django.urls import path

from portal.partner_pages.people import pages

urlpatterns = [
    path("invite", pages.invite, name="partners-people-invite"),
    path("invitations/<uuid:invitation_id>/revoke", pages.revoke, name="partners-people-revoke"),
    path("<uuid:person_id>/close", pages.close, name="partners-people-close"),
    path("proposals/<uuid:proposal_id>", pages.proposal, name="partners-proposal"),
    path("proposals/<uuid:proposal_id>/approve", pages.approve, name="partners-proposal-approve"),
    path("proposals/<uuid:proposal_id>/decline", pages.decline, name="partners-proposal-decline"),
]
