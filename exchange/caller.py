"""The header fields of a request that matter here, and the caller's address (RFC 9110 s5, RFC 6749 s2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exchange.protocol.form import Form

MAX_HOPS: Final = 20
_FORM: Final = b"application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls and what the header says. ``request_id`` is recorded, never adopted; ``traceparent`` is adopted."""

    method: str
    is_form: bool
    authorization: tuple[str, ...]
    proofs: tuple[str, ...]
    address: str
    request_id: str
    traceparent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What came over the wire: the form, and the header fields that prove something."""

    form: Form
    authorization: tuple[str, ...]
    proofs: tuple[str, ...]


def caller_of(scope: dict[str, Any], trusted_proxies: Sequence[IPv4Network | IPv6Network]) -> Caller:
    """Read an ASGI scope. Repeated fields stay repeated: which one counts is not ours to guess."""
    fields: dict[bytes, list[str]] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            fields.setdefault(name, []).append(value.decode("latin-1"))
    content_type = fields.get(b"content-type", [""])[0].partition(";")[0].strip().lower()
    return Caller(
        method=scope["method"],
        is_form=content_type.encode() == _FORM,
        authorization=tuple(fields.get(b"authorization", ())),
        proofs=tuple(fields.get(b"dpop", ())),
        address=_address(scope.get("client"), fields.get(b"x-forwarded-for", ()), trusted_proxies),
        request_id=fields.get(b"x-request-id", [""])[0],
        traceparent=fields.get(b"traceparent", [""])[0],
    )


_READ: Final = frozenset(
    {b"authorization", b"dpop", b"content-type", b"x-forwarded-for", b"x-request-id", b"traceparent"}
)


def _address(
    client: Sequence[Any] | None, forwarded: Sequence[str], trusted: Sequence[IPv4Network | IPv6Network]
) -> str:
    """The address next to the last proxy we run. Fields that other peers sent are ignored, unread (attack A32)."""
    address = client[0] if client else ""
    if not forwarded or not _is_within(address, trusted):
        return str(address)
    for hop in reversed(",".join(forwarded).rsplit(",", MAX_HOPS)[-MAX_HOPS:]):
        address = hop.strip()
        if not _is_within(address, trusted):
            break
    return str(address)


def _is_within(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    if not networks:
        return False
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
