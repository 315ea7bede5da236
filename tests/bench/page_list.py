"""Every page that answers GET, from the URL configuration, with addresses that lead to the busiest objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.urls import URLPattern, URLResolver, get_resolver, reverse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOT_PAGES: Final = frozenset({"oauth/", "api/"})
"""The endpoints and the API, which have measurements of their own."""

ELSEWHERE: Final = frozenset(
    {
        "account-welcome",
        "openid-callback",
        "openid_sign_in",
        "openid_confirm",
        "openid_connect",
        "people-letters",
        "partners-bulk",
        "partners-trust-introspection",
    }
)
"""Answers to links and sites that are not part of what is measured, or only to more than their address."""

VARIANTS: Final = (
    ("overview", "?range=30d"),
    ("partners", "?q=bulk+partner+019"),
    ("partners", "?state=active&order=-name"),
    ("partners", "?after=bulk-01000"),
    ("partners-bulk", "?act=suspend&" + "&".join(f"partner=bulk-{number:05}" for number in range(50))),
    ("partners-bulk", "?act=suspend&all=yes&q=bulk+partner+019"),
    ("access", "?at=2026-01-01T00:00"),
    ("access", "?target=bulk-03&scope=bulk:write&unused=1"),
    ("access-who", "?target=bulk-03&scope=bulk:read"),
    ("exchanges", "?range=30d&outcome=refused"),
    ("exchanges", "?range=any&outcome=granted&partner={slug}"),
    ("exchanges", "?range=any&reason=token.expired&target=https://bulk-03.example"),
    ("exchanges", "?range=any&client={client_id}&before={old}"),
    ("exchanges", "?range=30d&q=bulk"),
    ("exchanges", "?range=any&q=nobody"),
    ("search", "?q={slug}"),
    ("search", "?q={reference}"),
    ("search", "?q=user-7"),
)
"""Lists asked for in other ways than their plain address does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page to measure: the name of its address, and the address."""

    name: str
    address: str


def pages(values: Mapping[str, str]) -> Iterator[Page]:
    """All of them. ``values`` are the arguments by name; ``<name>/<argument>`` overrides one for one address."""
    for name, arguments in sorted(_named(get_resolver().url_patterns, frozenset())):
        given = {argument: values.get(f"{name}/{argument}", values.get(argument, "")) for argument in arguments}
        if all(given.values()) and name not in ELSEWHERE:
            yield Page(name=name, address=reverse(name, kwargs=given))
    for name, query in VARIANTS:
        filled = query.format_map(values)
        yield Page(name=f"{name} {query}", address=f"{reverse(name, kwargs=_given(name, values))}{filled}")


def _given(name: str, values: Mapping[str, str]) -> dict[str, str]:
    (arguments,) = (found for known, found in _named(get_resolver().url_patterns, frozenset()) if known == name)
    return {argument: values[argument] for argument in arguments}


def _named(found: list[Any], above: frozenset[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for pattern in found:
        converters = above | set(pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            if str(pattern.pattern) not in NOT_PAGES:
                yield from _named(pattern.url_patterns, converters)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name, tuple(sorted(converters))
