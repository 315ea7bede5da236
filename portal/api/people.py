"""People with an account here: who they are, what they may do, where they are signed in, and what they lent.

Whatever changes somebody's rights is a person's to do, never a program's: two rules of ``portal.people.acts`` are about
who does it. What could be done with a session alone asks that its person has just proved who they are.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils import timezone

from exchange import consents
from portal.api import queries
from portal.api.act_bodies import NEW_PERSON
from portal.api.answers import Reply, perform, told
from portal.api.conditions import require_match
from portal.api.endpoint import Endpoint, body_of
from portal.api.people_shapes import CONSENT, PERSON, PERSON_TOLD
from portal.api.problems import ApiError, not_found
from portal.api.reading import read
from portal.api.showing import shown
from portal.people import acts, linking, lists
from portal.people import consents as people_consents
from portal.permissions import Permission
from portal.roles import Role
from portal.signing_in import sessions, sign_in_links

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from rest_framework.request import Request
    from rest_framework.response import Response

    from partners.changes import Change
    from portal.models import User

_STATES: Final = {"open": False, "closed": True}
_NOT_MAILED: Final = "The account is there, but the mail server did not take the message. Send the link again later."
_A_PERSON: Final = "Rights of people are a person's to change, and a program asked for it. Call with a person's token."


class People(Endpoint):
    """People, by e-mail address."""

    needs = {"GET": Permission.SETTINGS_WRITE, "POST": Permission.SETTINGS_WRITE}
    shape, bodies = "Person", {"POST": "NewPerson"}
    is_list = creates = is_confirmed = True
    parameters = (
        *queries.LIST[1:],
        queries.word("role", Role, "Those who hold this role only."),
        queries.word("state", _STATES, "Accounts that are open, or closed, only."),
        queries.text("text", "Those with this in their name or address only."),
    )

    def get(self, request: Request) -> Response:
        """List people, 50 at a time."""
        state = self.given.get("state")
        wanted = lists.Wanted(
            text=self.given.get("text", ""),
            role=self.given.get("role", ""),
            is_closed=None if state is None else _STATES[state],
        )
        page = lists.people(wanted, after=queries.window(request, self.given).after)
        items = [_shown(entry, entry.roles) for entry in page.entries]
        return queries.page(request, items, str(page.next) if page.next else "")

    def post(self, request: Request) -> Response:
        """Invite somebody: an account, and a letter with a link that signs them in once."""
        by_of(request)
        wanted = read(NEW_PERSON, body_of(request))
        made: list[tuple[User, str]] = []

        def work(change: Change) -> Reply:
            person = acts.invite(change, wanted.email, wanted.name, wanted.roles)
            made.append((person, sign_in_links.make(change, person)))
            location = reverse("api:person", args=[person.pk])
            return Reply(status=HTTPStatus.CREATED, document=_shown(person, wanted.roles), location=location)

        return _mailed(perform(request, work), made)


class Person(Endpoint):
    """One person."""

    needs = {"GET": Permission.SETTINGS_WRITE}
    shape, is_tagged = "PersonTold", True

    def get(self, request: Request, person: UUID) -> Response:
        """Read a person with roles, linked accounts and sessions."""
        return told(request, shown_person(person_of(person)))


class SendLink(Endpoint):
    """Another link for signing in once, by mail; the former one is void."""

    needs = {"POST": Permission.SETTINGS_WRITE}
    shape, is_confirmed = "PersonTold", True

    def post(self, request: Request, person: UUID) -> Response:
        """Mail a sign-in link."""
        by_of(request)
        made: list[tuple[User, str]] = []

        def work(change: Change) -> Reply:
            found = person_of(person)
            if not found.is_active:
                raise acts.NotPossible("The account is closed, so no link was sent. Open it first.")
            made.append((found, sign_in_links.make(change, found)))
            return Reply(document=shown_person(person_of(person)))

        return _mailed(perform(request, work), made)


class Consents(Endpoint):
    """What a person lent to clients: which scopes, where, and until when."""

    needs = {"GET": Permission.SETTINGS_WRITE}
    shape, is_list = "Consent", True

    def get(self, request: Request, person: UUID) -> Response:
        """List the consents of a person."""
        found = consents.consents(person_of(person).pk, timezone.now())
        return queries.page(request, [shown(CONSENT, item) for item in found], "")


class Consent(Endpoint):
    """What one client holds of one person."""

    needs = {"DELETE": Permission.SETTINGS_WRITE}
    shape, is_confirmed, may_match = "PersonTold", True, True

    def delete(self, request: Request, person: UUID, client: UUID) -> Response:
        """Withdraw a consent: its tokens, and all that was exchanged from them, end at the next request."""

        def work(change: Change) -> Reply:
            found = person_of(person)
            require_match(request, shown_person(found), is_optional=True)
            if not people_consents.withdraw(change, found, client):
                raise not_found()
            return Reply(document=shown_person(person_of(person)))

        return perform(request, work)


def person_of(person_id: UUID) -> User:
    """The person at an address. Raises ``ApiError``."""
    found = lists.find(person_id)
    if found is None:
        raise not_found()
    return found


def by_of(request: Request) -> User:
    """The person who calls. Raises ``ApiError`` for a program."""
    if not request.user.is_authenticated:
        raise ApiError(HTTPStatus.CONFLICT, "person_needed", _A_PERSON)
    user: User = request.user
    return user


def _mailed(response: Response, made: list[tuple[User, str]]) -> Response:
    """The answer once the letter is on its way; an answer that is given again sends no second one."""
    try:
        for person, token in made:
            sign_in_links.send(person, token)
    except OSError as error:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "not_mailed", _NOT_MAILED) from error
    return response


def _shown(person: User | lists.Entry, roles: Iterable[Role]) -> dict[str, Any]:
    return shown(PERSON, person, roles=sorted(roles))


def shown_person(person: User) -> dict[str, Any]:
    """The person with what lists leave out, since it takes more than one query for each."""
    return shown(
        PERSON_TOLD,
        person,
        roles=sorted(held.role for held in lists.held_roles(person)),
        last_sign_in=person.last_login,
        linked=[other.email for other in linking.others(person)],
        sessions=sessions.count(person),
    )
