"""The portal's roles: what each sees in the navigation, and where its people land after signing in.

A portal role is a Django group of the same name, so that an organisation's own directory can feed it. Roles add up. A
portal role is not an elevation role: that is a right somebody asks for and holds for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One entry of the navigation: its page, its group heading, and the roles that may open it."""

    name: str
    heading: _StrPromise | str
    label: _StrPromise
    icon: str
    roles: frozenset[Role]


_OVERSEERS: Final = frozenset({Role.SECURITY_ADMIN, Role.AUDITOR})
_PARTNER_PEOPLE: Final = _OVERSEERS | {Role.PARTNER_MANAGER}

SECTIONS: Final[tuple[Section, ...]] = (
    Section(name="overview", heading="", label=_("Overview"), icon="layout-dashboard", roles=_OVERSEERS),
    Section(
        name="partners", heading=_("Partners"), label=_("Partners"), icon="building-community", roles=_PARTNER_PEOPLE
    ),
    Section(
        name="exchanges", heading=_("Partners"), label=_("Exchanges"), icon="arrows-exchange", roles=_PARTNER_PEOPLE
    ),
)

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


def sections_for(roles: frozenset[Role]) -> tuple[Section, ...]:
    """The sections these roles may open, in the order of the navigation. What is absent here answers 403."""
    return tuple(section for section in SECTIONS if section.roles & roles)


def landing_page(roles: frozenset[Role]) -> str:
    """The page a person lands on: the first section of theirs, or their account where no section is theirs yet."""
    sections = sections_for(roles)
    return sections[0].name if sections else "account"


def may_open(section: str, roles: frozenset[Role]) -> bool:
    """Whether one of these roles opens a section; a section that does not exist opens for nobody."""
    return any(entry.name == section and entry.roles & roles for entry in SECTIONS)
