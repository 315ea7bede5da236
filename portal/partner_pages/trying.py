"""The step between writing a partner down and handing it over: what a test exchange still needs, and ways to try it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from partners.trying import Tryable, Trying

MOST: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing without which no test exchange can be granted, whether it is there, and where it is made."""

    label: str
    is_met: bool
    words: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One request that can be tried in the simulator, with everything filled in but the token."""

    client_id: str
    mapping: str
    audience: str
    is_test: bool
    href: str


def needs(slug: str, found: Trying) -> tuple[Need, ...]:
    """What there must be, in the order of the steps. Before the activation tokens are given for test targets alone."""
    has_test = any(mapping.is_test for mapping in found.mappings)
    told = (
        (
            _("A trust in force, with keys"),
            found.is_verifying,
            _("No key of an issuer is held, and fetching them failed, so no token can be verified.")
            if found.trusts
            else _("No issuer is trusted, so every token is refused."),
            "partners-trust" if found.trusts else "partners-trust-new",
        ),
        (
            _("A mapping in force to a test target"),
            has_test,
            _("The mappings in force lead to real targets, which are served after the activation only.")
            if found.mappings
            else _("No mapping is in force: write one to a test target, and publish it."),
            "partners-mappings" if found.mappings else "partners-mapping-new",
        ),
        (
            _("An active client that may exchange tokens"),
            bool(found.clients),
            _("No client of the partner may send the request."),
            "partners-client-new",
        ),
    )
    return tuple(
        Need(
            label=label, is_met=is_met, words="" if is_met else words, href="" if is_met else reverse(name, args=[slug])
        )
        for label, is_met, words, name in told
    )


def ways(slug: str, found: Trying) -> tuple[Way, ...]:
    """Each client with each mapping that is for it, test targets first."""
    pairs = [
        (client, mapping)
        for mapping in sorted(found.mappings, key=lambda mapping: not mapping.is_test)
        for client in found.clients
        if mapping.clients is None or client in mapping.clients
    ]
    return tuple(_way(slug, client, mapping) for client, mapping in pairs[:MOST])


def _way(slug: str, client: str, mapping: Tryable) -> Way:
    asked = {"partner": slug, "client": client, "audience": mapping.audience, "scope": " ".join(mapping.scopes)}
    query = urlencode({name: value for name, value in asked.items() if value})
    return Way(
        client_id=client,
        mapping=mapping.name,
        audience=mapping.audience,
        is_test=mapping.is_test,
        href=f"{reverse('simulator')}?{query}",
    )
