"""Whose account an identity at the provider is, and the roles that its groups give at every sign-in.

The key is issuer and subject. An e-mail address only names a new account; one that somebody has already is refused,
since whoever may set an address at the provider must not get another's account by it (rule 146).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from audit.events import Actor, ActorKind
from audit.person_events import IdentityConnected, PersonInvited
from partners.changes import changing
from portal.models import Identity, User
from portal.people import acts
from portal.people.events import about

if TYPE_CHECKING:
    from partners.changes import Change
    from portal.roles import Role
    from portal.signing_in.openid.id_tokens import Claims


class NoAccount(Exception):
    """Nobody here is this identity. The message says why, and what to do."""


class ConnectedElsewhere(NoAccount):
    """This identity is another account's: whoever proved both is one human with two accounts."""

    def __init__(self, message: str, other: User) -> None:
        super().__init__(message)
        self.other = other


def roles_for(claims: Claims) -> frozenset[Role]:
    """The roles that the groups of the provider give."""
    mapped = settings.HANDOVER.openid_roles
    return frozenset(role for group in claims.groups for role in mapped.get(group, ()))


def person_of(claims: Claims) -> User:
    """The person of this identity, with the roles the directory gives now; made when the groups give a role.

    Raises ``NoAccount``.
    """
    with changing(Actor(ActorKind.SYSTEM, "directory")) as change:
        person = find(claims) or _made(change, claims)
        acts.follow_directory(change, person, roles_for(claims))
    return person


def find(claims: Claims) -> User | None:
    """The person of this identity, as things are."""
    identity = Identity.objects.select_related("user").filter(issuer=claims.issuer, subject=claims.subject).first()
    return identity.user if identity else None


def connect(change: Change, person: User, claims: Claims) -> None:
    """This identity is this person's from now on, with the roles of its groups. Raises ``ConnectedElsewhere``."""
    identity, is_new = Identity.objects.get_or_create(
        issuer=claims.issuer, subject=claims.subject, defaults={"user": person}
    )
    if identity.user_id != person.pk:
        words = _(
            "Another account is connected to this sign-in, so from now on both count as one person. Use that one."
        )
        raise ConnectedElsewhere(words, identity.user)
    if is_new:
        change.record(IdentityConnected(data=about(person) | {"issuer": claims.issuer}))
    acts.follow_directory(change, person, roles_for(claims))


def knows(person: User) -> bool:
    """Whether this person can come through the provider of this installation."""
    return Identity.objects.filter(user=person, issuer=settings.HANDOVER.openid_issuer).exists()


def _made(change: Change, claims: Claims) -> User:
    if not roles_for(claims):
        raise NoAccount(_("None of your groups gives a role here. Ask a security admin for one, then sign in again."))
    try:
        validate_email(claims.email)
    except ValidationError:
        raise NoAccount(
            _("The provider names no e-mail address of yours. Ask its administrator to release it.")
        ) from None
    if User.objects.filter(email__iexact=claims.email).exists():
        raise NoAccount(
            _("An account with your e-mail address exists already. Sign in to it another way, then connect it there.")
        )
    person = User.objects.create_user(claims.email, name=claims.name)
    change.record(PersonInvited(data=about(person) | {"roles": []}))
    Identity.objects.create(user=person, issuer=claims.issuer, subject=claims.subject)
    change.record(IdentityConnected(data=about(person) | {"issuer": claims.issuer}))
    return person
