"""What one person does to another's account: roles, sessions, closing, opening, linking; each a call of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.api.act_bodies import OTHER_ACCOUNT, ROLE_OF_PERSON
from portal.api.answers import acted
from portal.api.endpoint import Endpoint, body_of
from portal.api.people import by_of, person_of, shown_person
from portal.api.reading import read
from portal.people import acts, linking
from portal.permissions import Permission
from portal.signing_in import sessions

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change
    from portal.models import User

    Act = Callable[[Change, User, User], object]


class GiveRole(Endpoint):
    """A role given to somebody."""

    needs = {"POST": Permission.SETTINGS_WRITE}
    shape, bodies, is_confirmed = "PersonTold", {"POST": "RoleOfPerson"}, True

    def post(self, request: Request, person: UUID) -> Response:
        """Give a role; one that is there stays."""
        role = read(ROLE_OF_PERSON, body_of(request)).role
        return _do(request, person, lambda change, by, found: acts.give_role(change, by, found, role))


class TakeRole(Endpoint):
    """A role taken from somebody."""

    needs = {"POST": Permission.SETTINGS_WRITE}
    shape, bodies, is_confirmed = "PersonTold", {"POST": "RoleOfPerson"}, True

    def post(self, request: Request, person: UUID) -> Response:
        """Take a role that a person gave."""
        role = read(ROLE_OF_PERSON, body_of(request)).role
        return _do(request, person, lambda change, by, found: acts.take_role(change, by, found, role))


class Close(Endpoint):
    """An account closed: its sessions end, and nobody signs in with it."""

    needs = {"POST": Permission.SETTINGS_WRITE}
    shape, is_confirmed = "PersonTold", True

    def post(self, request: Request, person: UUID) -> Response:
        """Close an account."""
        return _do(request, person, acts.disable)


class Open(Endpoint):
    """A closed account opened again."""

    needs = {"POST": Permission.SETTINGS_WRITE}
    shape, is_confirmed = "PersonTold", True

    def post(self, request: Request, person: UUID) -> Response:
        """Open an account."""
        return _do(request, person, acts.enable)


class EndSessions(Endpoint):
    """The end of every session of somebody."""

    needs = {"POST": Permission.SETTINGS_WRITE}
    shape, is_confirmed = "PersonTold", True

    def post(self, request: Request, person: UUID) -> Response:
        """End the sessions of a person."""
        return _do(request, person, lambda change, _by, found: sessions.end_others(change, found, None))


class Link(Endpoint):
    """Two accounts that are one human's: neither is the other's second person."""

    needs = {"POST": Permission.SETTINGS_WRITE}
    shape, bodies, is_confirmed = "PersonTold", {"POST": "OtherAccount"}, True

    def post(self, request: Request, person: UUID) -> Response:
        """Link an account with another one."""
        email = read(OTHER_ACCOUNT, body_of(request)).email
        return _do(request, person, lambda change, by, found: linking.link(change, by, found, email))


class Unlink(Endpoint):
    """An account that counts as a person of its own again."""

    needs = {"POST": Permission.SETTINGS_WRITE}
    shape, is_confirmed = "PersonTold", True

    def post(self, request: Request, person: UUID) -> Response:
        """Unlink an account."""
        return _do(request, person, linking.unlink)


def _do(request: Request, person: UUID, act: Act) -> Response:
    """An act on a person, by another person. Raises ``NotPossible`` and ``ApiError``."""
    by = by_of(request)
    return acted(request, lambda: shown_person(person_of(person)), lambda change: act(change, by, person_of(person)))
