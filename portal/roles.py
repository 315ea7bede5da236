"""The portal's roles, and who holds them. What each may do is in ``portal.permissions``.

A portal role is a Django group of the same name, so that an organisation's own directory can feed it. Roles add up. A
portal role is not an elevation role: that is a right somebody asks for and holds for a while.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.auth.models import AnonymousUser
    from django.utils.functional import _StrPromise

    from portal.models import User


class Role(StrEnum):
    """The six portal roles, by the name of their group."""

    SECURITY_ADMIN = "Security admin"
    PARTNER_MANAGER = "Partner manager"
    APPROVER = "Approver"
    ENGINEER = "Engineer"
    AUDITOR = "Auditor"
    PARTNER_ADMIN = "Partner's admin"


DESCRIPTIONS: Final[Mapping[Role, _StrPromise]] = {
    Role.SECURITY_ADMIN: _("Sees everything and answers for keys, policy and audit."),
    Role.PARTNER_MANAGER: _("Looks after partners and their mappings, and follows their exchanges."),
    Role.APPROVER: _("Decides about other people's requests for elevation."),
    Role.ENGINEER: _("Asks for elevation and works under it."),
    Role.AUDITOR: _("Reads everything, changes nothing."),
    Role.PARTNER_ADMIN: _("Connects one partner, through an invitation."),
}


def roles_of(user: User | AnonymousUser) -> frozenset[Role]:
    """The roles a person holds; the superuser of ``createsuperuser`` is a security admin. One query per request."""
    if not user.is_authenticated:
        return frozenset()
    known: frozenset[Role] | None = getattr(user, "_portal_roles", None)
    if known is None:
        known = frozenset(Role(name) for name in user.groups.values_list("name", flat=True) if name in set(Role))
        if user.is_superuser:
            known |= {Role.SECURITY_ADMIN}
        user.__dict__["_portal_roles"] = known  # remembered for this request only
    return known
