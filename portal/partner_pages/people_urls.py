"""The addresses below a partner's people: invitations, accounts, proposals."""

from __future__ import annotations

from django.urls import path

from portal.views import partner_people

urlpatterns = [
    path("invite", partner_people.invite, name="partners-people-invite"),
    path("invitations/<uuid:invitation_id>/revoke", partner_people.revoke, name="partners-people-revoke"),
    path("<uuid:person_id>/close", partner_people.close, name="partners-people-close"),
    path("proposals/<uuid:proposal_id>", partner_people.proposal, name="partners-proposal"),
    path("proposals/<uuid:proposal_id>/approve", partner_people.approve, name="partners-proposal-approve"),
    path("proposals/<uuid:proposal_id>/decline", partner_people.decline, name="partners-proposal-decline"),
]
