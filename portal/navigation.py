"""The sections of the portal, in the order of its navigation, and where people land after signing in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from portal.permissions import Permission

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One entry of the navigation: its page, its group heading, and what one must be allowed to see it."""

    name: str
    heading: _StrPromise | str
    label: _StrPromise
    icon: str
    permission: Permission


SECTIONS: Final[tuple[Section, ...]] = (
    Section(
        name="overview", heading="", label=_("Overview"), icon="layout-dashboard", permission=Permission.AUDIT_READ
    ),
    Section(
        name="partners",
        heading=_("Partners"),
        label=_("Partners"),
        icon="building-community",
        permission=Permission.PARTNERS_READ,
    ),
    Section(
        name="access",
        heading=_("Partners"),
        label=_("Effective access"),
        icon="table",
        permission=Permission.PARTNERS_READ,
    ),
    Section(
        name="exchanges",
        heading=_("Partners"),
        label=_("Exchanges"),
        icon="arrows-exchange",
        permission=Permission.EXCHANGES_READ,
    ),
    Section(
        name="simulator",
        heading=_("Partners"),
        label=_("Simulator"),
        icon="shield-check",
        permission=Permission.EXCHANGES_READ,
    ),
    Section(name="connect", heading="", label=_("Connection"), icon="plug-connected", permission=Permission.CONNECT),
    Section(
        name="people", heading=_("Settings"), label=_("People"), icon="users", permission=Permission.SETTINGS_WRITE
    ),
)


def sections_for(held: frozenset[Permission]) -> tuple[Section, ...]:
    """The sections these permissions open, in the order of the navigation."""
    return tuple(section for section in SECTIONS if section.permission in held)


def landing_page(held: frozenset[Permission]) -> str:
    """The page a person lands on: the first section of theirs, or their account where no section is theirs yet."""
    sections = sections_for(held)
    return sections[0].name if sections else "account"
