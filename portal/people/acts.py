"""Giving and taking roles, closing and opening accounts, inviting people: each with its audit event.

Two rules hold for all of it: nobody changes their own rights, and one security admin is always left who can sign in.
Services take the ``Change`` they are part of first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import Group
from django.db.models import Q
from django.utils.translation import gettext as _

from audit.person_events import PersonDisabled, PersonEnabled, PersonInvited, PersonRoleGiven, PersonRoleTaken
from portal.models import PartnerAdmin, RoleGrant, User
from portal.people.events import about
from portal.roles import Role, roles_of
from portal.signing_in import sessions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from partners.changes import Change

GIVEABLE: Final = tuple(role for role in Role if role is not Role.PARTNER_ADMIN)
"""A partner's own admin is made by the invitation of that partner, for that partner."""

Source = RoleGrant.Source


class NotPossible(Exception):
    """A change of people that a rule forbids. The message says why, and what to do."""


class AddressTaken(NotPossible):
    """Somebody has an account with this e-mail address already."""


def invite(change: Change, email: str, name: str, roles: Iterable[Role]) -> User:
    """Make an account without a password for somebody, with roles. Raises ``AddressTaken``."""
    if User.objects.filter(email__iexact=email).exists():
        raise AddressTaken(_("Somebody has an account with this e-mail address already. Look it up in the list."))
    person = User.objects.create_user(email, name=name)
    chosen = [role for role in GIVEABLE if role in set(roles)]
    change.record(PersonInvited(data=about(person) | {"roles": [str(role) for role in chosen]}))
    for role in chosen:
        _give(change, person, role, Source.PERSON)
    return person


def make_partner_admin(change: Change, email: str, *, given_by: str) -> User:
    """An account without a password for somebody of a partner, who accepted its invitation. The address is free."""
    person = User.objects.create_user(email)
    change.record(PersonInvited(data=about(person) | {"roles": [str(Role.PARTNER_ADMIN)]}))
    _give(change, person, Role.PARTNER_ADMIN, Source.PERSON, given_by=given_by)
    return person


def give_role(change: Change, by: User, person: User, role: Role) -> None:
    """Give a role; one that is there stays. Raises ``NotPossible``: one's own account, a partner's role or account."""
    _refuse_own(by, person)
    if role not in GIVEABLE:
        raise NotPossible(_("This role comes with a partner's invitation. Invite the person from the partner's page."))
    if PartnerAdmin.objects.filter(user=person).exists():
        raise NotPossible(_("This account is a partner's. Whoever works here too gets another account for that."))
    _give(change, person, role, Source.PERSON)


def take_role(change: Change, by: User, person: User, role: Role) -> None:
    """Take a role that somebody gave. Raises ``NotPossible``: one's own, the directory's, the last security admin."""
    _refuse_own(by, person)
    if RoleGrant.objects.filter(user=person, role=role, source=Source.DIRECTORY).exists():
        raise NotPossible(
            _(
                "The organisation's directory gives this role. Change the person's groups there: it counts at the next"
                " sign-in."
            )
        )
    if role is Role.SECURITY_ADMIN:
        _refuse_last(person)
    _take(change, person, role, Source.PERSON)


def follow_directory(change: Change, person: User, roles: Iterable[Role]) -> None:
    """Make the directory's roles of a person these: new ones are given, those it no longer gives are taken.

    Roles that somebody gave here stay. So does the last security admin's: an empty group must lock nobody out.
    """
    wanted = set(roles)
    known = {Role(grant.role) for grant in RoleGrant.objects.filter(user=person, source=Source.DIRECTORY)}
    for role in sorted(wanted - known):
        _give(change, person, role, Source.DIRECTORY)
    for role in sorted(known - wanted):
        if role is not Role.SECURITY_ADMIN or others_administer(person):
            _take(change, person, role, Source.DIRECTORY)


def disable(change: Change, by: User, person: User) -> None:
    """Close an account, and end its sessions. Raises ``NotPossible``: one's own, the last security admin."""
    _refuse_own(by, person)
    _refuse_last(person)
    if person.is_active:
        User.objects.filter(pk=person.pk).update(is_active=False)
        change.record(PersonDisabled(data=about(person)))
        sessions.end_others(change, person, None)


def enable(change: Change, by: User, person: User) -> None:
    """Open a closed account again. Raises ``NotPossible`` for one's own."""
    _refuse_own(by, person)
    if not person.is_active:
        User.objects.filter(pk=person.pk).update(is_active=True)
        change.record(PersonEnabled(data=about(person)))


def is_last_admin(person: User) -> bool:
    """Whether no other security admin can sign in, as it looks now: for pages, which change nothing."""
    return person.is_active and Role.SECURITY_ADMIN in roles_of(person) and not _others(person)


def others_administer(person: User) -> bool:
    """Whether somebody else is a security admin who can sign in. Waits for whoever decides the same at this moment."""
    Group.objects.select_for_update().get(name=Role.SECURITY_ADMIN)
    return _others(person)


def _others(person: User) -> bool:
    admins = User.objects.filter(Q(groups__name=Role.SECURITY_ADMIN) | Q(is_superuser=True), is_active=True)
    return bool(admins.exclude(pk=person.pk).exists())


def is_admin(person: User) -> bool:
    """Whether this person counts as a security admin who can sign in."""
    return person.is_active and (person.is_superuser or person.groups.filter(name=Role.SECURITY_ADMIN).exists())


def _refuse_own(by: User, person: User) -> None:
    if by.pk == person.pk:
        raise NotPossible(_("Nobody changes their own rights. Ask another security admin."))


def _refuse_last(person: User) -> None:
    if is_admin(person) and not others_administer(person):
        raise NotPossible(
            _("This is the last security admin who can sign in. Make somebody else one first, then try again.")
        )


def _give(change: Change, person: User, role: Role, source: Source, *, given_by: str = "") -> None:
    grant, is_new = RoleGrant.objects.get_or_create(
        user=person, role=role, source=source, defaults={"given_by": given_by or str(change.actor)}
    )
    person.groups.add(Group.objects.get(name=role))
    if is_new:
        change.record(PersonRoleGiven(data=about(person) | {"role": grant.role, "source": str(source)}))


def _take(change: Change, person: User, role: Role, source: Source) -> None:
    RoleGrant.objects.filter(user=person, role=role, source=source).delete()
    is_kept = RoleGrant.objects.filter(user=person, role=role).exists()
    if not is_kept:
        person.groups.remove(Group.objects.get(name=role))
        if role is Role.SECURITY_ADMIN:
            User.objects.filter(pk=person.pk).update(is_superuser=False)
    data = about(person) | {"role": str(role), "source": str(source), "is_kept": is_kept}
    change.record(PersonRoleTaken(data=data))
