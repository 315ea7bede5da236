"""What could be taken away without anybody noticing: hints from what was really granted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audit.usage import Usage
    from policy.reach import Way

ENOUGH: Final = 20
"""Fewer grants say little about what is never asked for."""


def hints(ways: Sequence[Way], usage: Usage) -> tuple[str, ...]:
    """What of one mapping could go, most first. ``ways`` are that mapping's; ``usage`` is its partner's at the target.

    Nothing is said of clients and scopes before there were enough grants to tell.
    """
    name = ways[0].mapping.name
    granted = usage.mappings.get(name, 0)
    if not granted:
        return (_("Nothing was granted by this mapping in 30 days. Withdraw it, or ask the partner what it is for."),)
    return tuple(_of_clients(ways, usage, name)) + tuple(_of_scopes(ways, usage, name, granted))


def _of_clients(ways: Sequence[Way], usage: Usage, name: str) -> Iterator[str]:
    if usage.examined < ENOUGH:
        return
    users = {client for mapping, client, _scope in usage.scopes if mapping == name}
    idle = sorted(way.client_id for way in ways if way.client_id not in users and way.scopes)
    if idle and users:
        yield ngettext(
            "%(clients)s never used it in 30 days. Name the clients that do in the mapping.",
            "%(clients)s never used it in 30 days. Name the clients that do in the mapping.",
            len(idle),
        ) % {"clients": ", ".join(idle)}


def _of_scopes(ways: Sequence[Way], usage: Usage, name: str, granted: int) -> Iterator[str]:
    given = {scope for mapping, _client, scope in usage.scopes if mapping == name}
    never = sorted(frozenset[str]().union(*(way.scopes for way in ways)) - given)
    if never and granted >= ENOUGH:
        yield ngettext(
            "%(scopes)s was in none of the last %(count)s tokens. Take it out of the mapping.",
            "%(scopes)s were in none of the last %(count)s tokens. Take them out of the mapping.",
            len(never),
        ) % {"scopes": ", ".join(never), "count": granted}
