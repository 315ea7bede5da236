"""Mappings without a partner: what clients of our own may have, for a token of ours or for themselves.

A client of our own may hold scopes of this API, so whoever writes such a mapping needs the permission to change
settings, and another person with it publishes.
"""

from __future__ import annotations

from portal.api import mappings
from portal.permissions import Permission


class Mappings(mappings.Mappings):
    """The mappings of our own, by name."""

    needs = {"GET": Permission.PARTNERS_READ, "POST": Permission.SETTINGS_WRITE}
    bodies = {"POST": "NewOwnMapping"}


class Mapping(mappings.Mapping):
    """One mapping of our own."""


class Versions(mappings.Versions):
    """Every version of one mapping of our own, newest first. Versions never change."""


class Draft(mappings.Draft):
    """The next version of a mapping of our own, as it is being written. Nothing is in force by it."""

    bodies = {"PATCH": "OwnMappingChange"}
    needs = {"GET": Permission.PARTNERS_READ, "PATCH": Permission.SETTINGS_WRITE, "DELETE": Permission.SETTINGS_WRITE}


class Publish(mappings.Publish):
    """The draft into force. That always takes another person than its author, never a program."""

    needs = {"POST": Permission.SETTINGS_WRITE}


class Withdraw(mappings.Withdraw):
    """The end of the version in force; another can be published later."""

    needs = {"POST": Permission.SETTINGS_WRITE}
