"""Whether declared keys, and the addresses they are fetched from, are acceptable, whoever they belong to."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from partners.errors import Problem, shown
from partners.keysets import KeySetRefused, accept_jwks, algorithms_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from partners.declarations import DeclaredClient, DeclaredTrust, DeclaredWorkload
    from partners.vocabulary import SignatureAlgorithm

    Problems = Iterator[Problem]
    Holder = DeclaredClient | DeclaredTrust | DeclaredWorkload


def check_keys(holder: Holder, algorithms: tuple[SignatureAlgorithm, ...], name: str) -> Problems:
    """One source of keys, and an uploaded set that is acceptable and can make the signatures that are allowed."""
    if not algorithms:
        yield Problem(path=(name,), expected="at least one signature algorithm", came=shown([]))
    if holder.jwks_uri is not None:
        if holder.jwks is not None:
            yield Problem(path=("jwks_uri",), expected="either jwks or jwks_uri, not both")
        yield from check_address("jwks_uri", holder.jwks_uri)
    if holder.jwks is None:
        return
    try:
        keys = accept_jwks(holder.jwks)
    except KeySetRefused as error:
        yield Problem(path=("jwks",), expected=f"an acceptable key set. {error}")
        return
    if not any(algorithms_of(key) & set(algorithms) for key in keys):
        yield Problem(
            path=(name,), expected="an algorithm that one of the keys in jwks can use", came=shown(algorithms)
        )


def check_address(name: str, url: str) -> Problems:
    """https, but for an address inside ``HANDOVER_OUTBOUND_ALLOW``. A name is never resolved here: it can change."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return
    try:
        address = ip_address(parts.hostname or "")
        is_allowed = any(address in network for network in settings.HANDOVER.outbound_allow)
    except ValueError:
        is_allowed = False
    if not is_allowed:
        expected = "an https URL; plain http is only for an IP address inside HANDOVER_OUTBOUND_ALLOW"
        yield Problem(path=(name,), expected=expected, came=shown(url))
