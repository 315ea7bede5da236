"""Who else could do what somebody here may not do alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from partners.humans import names_of
from portal.models import User
from portal.permissions import roles_with
from portal.roles import Role

if TYPE_CHECKING:
    from collections.abc import Collection

    from portal.permissions import Permission

NAMED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleagues:
    """The first few by name, and how many more there are."""

    names: tuple[str, ...]
    more: int

    def __str__(self) -> str:
        if not self.names:
            return _("Nobody else here can. Ask a security admin to give somebody the role.")
        if not self.more:
            return _("%(names)s can.") % {"names": ", ".join(self.names)}
        words = ngettext("%(names)s and %(more)d other can.", "%(names)s and %(more)d others can.", self.more)
        return words % {"names": ", ".join(self.names), "more": self.more}


def colleagues(permission: Permission, *, without: Collection[str]) -> Colleagues:
    """The active people whose roles hold the permission. ``without`` are actors as the audit trail names them.

    Their other accounts are left out too: the same human cannot be asked twice.
    """
    roles = roles_with(permission)
    holds = Q(groups__name__in=roles)
    if Role.SECURITY_ADMIN in roles:
        holds |= Q(is_superuser=True)
    excluded = [actor.partition(":")[2] for actor in names_of(without)]
    rows = User.objects.filter(holds, is_active=True).exclude(email__in=excluded).distinct().order_by("name", "email")
    names = [str(user) for user in rows]
    return Colleagues(names=tuple(names[:NAMED]), more=max(len(names) - NAMED, 0))
