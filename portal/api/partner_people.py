"""The people of one partner: who was invited to its connection, who was let in, and whose account is closed.

Who invites answers for who comes in, so that is a person's to do, never a program's. The link of an invitation is in
the letter alone: no answer has it.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.urls import reverse

from partners.errors import Problem
from portal.api import queries
from portal.api.act_bodies import NEW_INVITATION
from portal.api.answers import Reply, acted, perform, told
from portal.api.endpoint import Endpoint, body_of
from portal.api.parties import party
from portal.api.partner_side_shapes import SHAPES
from portal.api.people import by_of
from portal.api.problems import ApiError, not_found, wrong_fields
from portal.api.reading import read
from portal.api.showing import shown
from portal.partner_side import invitations, rosters
from portal.people.acts import NotPossible
from portal.permissions import Permission

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change
    from partners.profiles import Profile
    from portal.partner_side.invitations import Invited
    from portal.partner_side.rosters import Insider

_NOT_MAILED = "The invitation stands, but the mail server did not take the letter with its link. Invite again later."


class PartnerPeople(Endpoint):
    """Who of one partner has an account here, newest first."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_list = "PartnerPerson", True
    parameters = queries.LIST

    def get(self, request: Request, partner: str) -> Response:
        """List the people of a partner."""
        return queries.newest(request, self.given, partial(rosters.people, party(partner).id), _person)


class PartnerPerson(Endpoint):
    """Somebody of one partner."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_tagged = "PartnerPerson", True

    def get(self, request: Request, partner: str, person: UUID) -> Response:
        """Read somebody of a partner."""
        return told(request, _person(_insider(party(partner), person)))


class Close(Endpoint):
    """The end of what somebody of a partner may see and do: their account is closed, their sessions end."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape, is_confirmed = "PartnerPerson", True

    def post(self, request: Request, partner: str, person: UUID) -> Response:
        """Close the account of somebody of a partner; what is closed already stays so."""
        by, known = by_of(request), party(partner)

        def close(change: Change) -> None:
            account = rosters.find(known.id, person)
            assert account is not None  # whoever is shown has one
            rosters.close(change, by, account)

        return acted(request, lambda: _person(_insider(known, person)), close)


class Invitations(Endpoint):
    """The invitations to one partner's connection, newest first."""

    needs = {"GET": Permission.PARTNERS_READ, "POST": Permission.PARTNERS_WRITE}
    shape, bodies = "Invitation", {"POST": "NewInvitation"}
    is_list = creates = is_confirmed = True
    parameters = queries.LIST

    def get(self, request: Request, partner: str) -> Response:
        """List a partner's invitations."""
        return queries.newest(request, self.given, partial(invitations.listed, party(partner)), _invitation)

    def post(self, request: Request, partner: str) -> Response:
        """Invite somebody of a partner: a letter with a link that lets them in once, within 72 hours."""
        by, wanted = by_of(request), read(NEW_INVITATION, body_of(request))
        made: list[tuple[Profile, str]] = []

        def work(change: Change) -> Reply:
            known = party(partner)
            try:
                token = invitations.make(change, by, known, wanted.email, anew=wanted.anew)
            except invitations.NotInvited as error:
                raise wrong_fields((Problem(path=("email",), expected=str(error)),)) from error
            made.append((known, token))
            invited = invitations.opened(token)
            assert invited is not None  # it was made a moment ago
            location = reverse("api:invitation", args=[partner, invited.id])
            return Reply(status=HTTPStatus.CREATED, document=_invitation(invited), location=location)

        response = perform(request, work)
        try:
            for known, token in made:
                invitations.send(known, by, wanted.email, token)
        except OSError as error:
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "not_mailed", _NOT_MAILED) from error
        return response


class Invitation(Endpoint):
    """One invitation. Never what opens it."""

    needs = {"GET": Permission.PARTNERS_READ}
    shape, is_tagged = "Invitation", True

    def get(self, request: Request, partner: str, invitation: UUID) -> Response:
        """Read an invitation."""
        return told(request, _invitation(_invited(party(partner), invitation)))


class Revoke(Endpoint):
    """An invitation taken back before anybody accepted it."""

    needs = {"POST": Permission.PARTNERS_WRITE}
    shape, is_confirmed = "Invitation", True

    def post(self, request: Request, partner: str, invitation: UUID) -> Response:
        """Take an invitation back."""
        known = party(partner)

        def revoke(change: Change) -> None:
            try:
                invitations.revoke(change, known, invitation)
            except invitations.NotInvited as error:
                raise NotPossible(str(error)) from error

        return acted(request, lambda: _invitation(_invited(known, invitation)), revoke)


def _insider(partner: Profile, person: UUID) -> Insider:
    found = rosters.insider(partner.id, person)
    if found is None:
        raise not_found()
    return found


def _invited(partner: Profile, invitation: UUID) -> Invited:
    found = invitations.find(partner, invitation)
    if found is None:
        raise not_found()
    return found


_person = partial(shown, SHAPES["PartnerPerson"])
_invitation = partial(shown, SHAPES["Invitation"])
