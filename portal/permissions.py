"""What may be done here, in the words of our API's scopes, and which role may do it. The one table for everybody.

Pages, fragments and the API ask this table. A token of our API carries scopes of the same names: its bearer may do
what the scopes and the person's roles both allow.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from portal.roles import Role, roles_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.auth.models import AnonymousUser

    from portal.models import User


class Permission(StrEnum):
    """One thing that may be done; the scope of our API by the same name allows it there."""

    PARTNERS_READ = "partners:read"
    PARTNERS_WRITE = "partners:write"
    MAPPINGS_PUBLISH = "mappings:publish"
    EXCHANGES_READ = "exchanges:read"
    ELEVATION_REQUEST = "elevation:request"
    ELEVATION_DECIDE = "elevation:decide"
    ELEVATION_READ = "elevation:read"
    REVOKE = "revoke"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    AUDIT_READ = "audit:read"
    AUDIT_EXPORT = "audit:export"
    SETTINGS_WRITE = "settings:write"
    CONNECT = "connect"
    """The connection of one's own partner. No scope of the API, and nobody of ours has it: they have all partners."""


_OURS: Final = frozenset(Permission) - {Permission.CONNECT}
_READ: Final = frozenset(permission for permission in Permission if permission.endswith(":read"))

OF_ROLE: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.SECURITY_ADMIN: _OURS,
    Role.PARTNER_MANAGER: frozenset(
        {
            Permission.PARTNERS_READ,
            Permission.PARTNERS_WRITE,
            Permission.MAPPINGS_PUBLISH,
            Permission.EXCHANGES_READ,
        }
    ),
    Role.APPROVER: frozenset({Permission.ELEVATION_READ, Permission.ELEVATION_DECIDE}),
    Role.ENGINEER: frozenset({Permission.ELEVATION_READ, Permission.ELEVATION_REQUEST}),
    Role.AUDITOR: _READ | {Permission.AUDIT_EXPORT},
    Role.PARTNER_ADMIN: frozenset({Permission.CONNECT}),
}
"""A partner's own admin has the connection of one partner, by invitation, and nothing of ours."""


def permissions_of(user: User | AnonymousUser) -> frozenset[Permission]:
    """What a person may do: the sum of their roles."""
    return frozenset[Permission]().union(*(OF_ROLE[role] for role in roles_of(user)))


def roles_with(permission: Permission) -> frozenset[Role]:
    """The roles to ask for by who needs this."""
    return frozenset(role for role, held in OF_ROLE.items() if permission in held)
