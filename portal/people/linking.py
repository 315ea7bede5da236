"""Several accounts of one human: linked by a security admin, or by whoever proves at the provider to be both.

One account of them stands for the human; the others point to it. Linking takes away: what one account began, another
of the same human cannot finish. Unlinking gives back, so nobody does it to themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.translation import gettext as _

from audit.person_events import AccountsLinked, AccountUnlinked
from portal.models import User
from portal.people.acts import NotPossible
from portal.people.events import about

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from partners.changes import Change


def others(account: User) -> tuple[User, ...]:
    """The other accounts of the same human, by address."""
    return tuple(_of_human(account).exclude(pk=account.pk).order_by("email"))


def link(change: Change, by: User | None, account: User, email: str) -> None:
    """The account of this address is the same human's. Raises ``NotPossible``: unknown, the same one, one's own."""
    other = User.objects.filter(email__iexact=email.strip()).first() if "\x00" not in email else None
    if other is None:
        raise NotPossible(_("Nobody has an account with this e-mail address. Look it up in the list of people."))
    if other.pk == account.pk:
        raise NotPossible(_("This is the same account. Enter the address of the person's other one."))
    _refuse_own(by, account, other)
    join(change, account, other)


def join(change: Change, account: User, other: User) -> None:
    """Two accounts are one human's from now on, and all that were linked with either; a second time changes nothing."""
    human = account.person_id or account.pk
    if human == (other.person_id or other.pk):
        return
    _of_human(other).update(person=human)
    change.record(AccountsLinked(data=about(account) | {"other": other.email}))


def unlink(change: Change, by: User, account: User) -> None:
    """The account counts as a person of its own again. Raises ``NotPossible`` for one's own."""
    _refuse_own(by, account)
    rest = others(account)
    if not rest:
        return
    if account.person_id is None:
        User.objects.filter(pk__in=[other.pk for other in rest]).update(person=rest[0].pk)
        User.objects.filter(pk=rest[0].pk).update(person=None)
    User.objects.filter(pk=account.pk).update(person=None)
    change.record(AccountUnlinked(data=about(account) | {"others": [other.email for other in rest]}))


def _of_human(account: User) -> QuerySet[User]:
    human = account.person_id or account.pk
    return User.objects.filter(Q(pk=human) | Q(person=human))


def _refuse_own(by: User | None, *accounts: User) -> None:
    if by is not None and {account.person_id or account.pk for account in accounts} & {by.person_id or by.pk}:
        raise NotPossible(_("Nobody changes whose accounts are their own. Ask another security admin."))
