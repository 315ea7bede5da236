"""The people of one partner: who was invited to its connection, who was let in, and whose account is closed.

Who invites answers for who comes in, so that is a person's to do, never a program's. The link of an invitation is in
the letter alone: no answer has it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.urls import reverse

from partners.errors import Problem
from portal.api import queries
from portal.api.answers import Reply, perform, told
from portal.api.conditions import require_match
from portal.api.endpoint import Endpoint, body_of
from portal.api.parties import party
from portal.api.people import by_of
from portal.api.problems import ApiError, not_found, wrong_fields
from portal.partner_side import invitations, rosters
from portal.partner_side.forms import InviteForm
from portal.people.acts import NotPossible
from portal.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        window = queries.window(request, self.given)
        found = rosters.people(party(partner).id, before=_before(window.after), size=window.size + 1)
        return queries.page_of_rows(request, found, window.size, _person)


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
        by = by_of(request)

        def work(change: Change) -> Reply:
            known = party(partner)
            require_match(request, _person(_insider(known, person)), is_optional=True)
            account = rosters.find(known.id, person)
            assert account is not None  # an insider has one
            rosters.close(change, by, account)
            return Reply(document=_person(_insider(known, person)))

        return perform(request, work)


class Invitations(Endpoint):
    """The invitations to one partner's connection, newest first."""

    needs = {"GET": Permission.PARTNERS_READ, "POST": Permission.PARTNERS_WRITE}
    shape, bodies = "Invitation", {"POST": "NewInvitation"}
    is_list = creates = is_confirmed = True
    parameters = queries.LIST

    def get(self, request: Request, partner: str) -> Response:
        """List a partner's invitations."""
        window = queries.window(request, self.given)
        found = invitations.listed(party(partner), before=_before(window.after), size=window.size + 1)
        return queries.page_of_rows(request, found, window.size, _invitation)

    def post(self, request: Request, partner: str) -> Response:
        """Invite somebody of a partner: a letter with a link that lets them in once, within 72 hours."""
        by = by_of(request)
        made: list[tuple[Profile, str, str]] = []

        def work(change: Change) -> Reply:
            known = party(partner)
            email = _email(body_of(request))
            try:
                token = invitations.make(change, by, known, email)
            except invitations.NotInvited as error:
                raise wrong_fields((Problem(path=("email",), expected=str(error)),)) from error
            made.append((known, email, token))
            invited = invitations.opened(token)
            assert invited is not None  # it was made a moment ago
            location = reverse("api:invitation", args=[partner, invited.id])
            return Reply(status=HTTPStatus.CREATED, document=_invitation(invited), location=location)

        response = perform(request, work)
        try:
            for known, email, token in made:
                invitations.send(known, by, email, token)
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

        def work(change: Change) -> Reply:
            known = party(partner)
            require_match(request, _invitation(_invited(known, invitation)), is_optional=True)
            try:
                invitations.revoke(change, known, invitation)
            except invitations.NotInvited as error:
                raise NotPossible(str(error)) from error
            return Reply(document=_invitation(_invited(known, invitation)))

        return perform(request, work)


def _before(text: str) -> UUID | None:
    return UUID(text) if text else None


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


def _email(body: Mapping[str, Any]) -> str:
    """The address in a body, judged as the page's form judges it. Raises ``ApiError``."""
    given = body.get("email")
    if set(body) != {"email"} or not isinstance(given, str):
        raise wrong_fields((Problem(path=("email",), expected="an e-mail address, and nothing beside it"),))
    form = InviteForm({"email": given})
    if not form.is_valid():
        raise wrong_fields((Problem(path=("email",), expected=str(form.errors["email"][0])),))
    email: str = form.cleaned_data["email"]
    return email


def _person(insider: Insider) -> dict[str, Any]:
    return {
        "id": insider.id,
        "email": insider.email,
        "is_active": insider.is_active,
        "since": insider.since,
        "last_sign_in": insider.last_sign_in,
    }


def _invitation(invited: Invited) -> dict[str, Any]:
    return {
        "id": invited.id,
        "email": invited.email,
        "inviter": invited.inviter,
        "made_at": invited.made_at,
        "expires_at": invited.expires_at,
        "condition": invited.condition,
    }
