"""The header fields of a request that matter here, and the caller's address (RFC 9110 s5, RFC 6749 s2.3)."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from exchange.protocol.client_certificate import read_certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exchange.limits.charged import Charged
    from exchange.limits.levels import Limits
    from exchange.opaque_tokens import Told
    from exchange.protocol.client_certificate import ClientCertificate
    from exchange.protocol.form import Form

MAX_HOPS: Final = 20
_FORM: Final = "application/x-www-form-urlencoded"


class Caller(Struct, frozen=True, kw_only=True):
    """Who calls and what the header says. ``request_id`` is recorded, never adopted; ``traceparent`` is adopted."""

    method: str
    is_form: bool
    authorization: tuple[str, ...]
    proofs: tuple[str, ...]
    certificates: tuple[str, ...]
    """The ``Client-Cert`` fields, of a proxy of ours only (RFC 9440 section 3); ``certificate_chains`` likewise."""
    certificate_chains: tuple[str, ...]
    address: str
    request_id: str
    traceparent: str
    accept: str


class Incoming(Struct, frozen=True, kw_only=True):
    """What came over the wire: the form, and the header fields that prove something."""

    form: Form
    authorization: tuple[str, ...]
    proofs: tuple[str, ...]
    certificate: ClientCertificate | None
    limits: Limits | Charged
    """Who else is to be charged for this request, once it is known who they are."""
    told: tuple[Told, ...] = ()
    """What issuers said about the request's opaque tokens, where the line is run again with it."""


def incoming_from(caller: Caller, form: Form, limits: Limits) -> Incoming:
    """What the pipeline reads of a request. Raises ``MalformedCertificate``."""
    certificate = read_certificate(caller.certificates, caller.certificate_chains)
    return Incoming(
        form=form,
        authorization=caller.authorization,
        proofs=caller.proofs,
        certificate=certificate,
        limits=limits,
    )


def caller_of(scope: dict[str, Any], trusted_proxies: Sequence[IPv4Network | IPv6Network]) -> Caller:
    """Read an ASGI scope. Repeated fields stay repeated: which one counts is not ours to guess."""
    fields: dict[bytes, tuple[str, ...]] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            fields[name] = (*fields.get(name, ()), value.decode("latin-1"))
    peer = _peer(scope)
    if not _PROXIES_OWN.isdisjoint(fields) and not _is_within(peer, trusted_proxies):
        fields = {name: values for name, values in fields.items() if name not in _PROXIES_OWN}
    all_of = fields.get
    return Caller(
        method=scope["method"],
        is_form=_is_form(all_of(b"content-type", _EMPTY)[0]),
        authorization=all_of(b"authorization", ()),
        proofs=all_of(b"dpop", ()),
        certificates=all_of(b"client-cert", ()),
        certificate_chains=all_of(b"client-cert-chain", ()),
        address=_address(peer, all_of(b"x-forwarded-for", ()), trusted_proxies),
        request_id=all_of(b"x-request-id", _EMPTY)[0],
        traceparent=all_of(b"traceparent", _EMPTY)[0],
        accept=all_of(b"accept", _EMPTY)[0],
    )


_EMPTY: Final = ("",)


def _is_form(content_type: str) -> bool:
    return content_type == _FORM or content_type.partition(";")[0].strip().lower() == _FORM


_PROXIES_OWN: Final = frozenset({b"client-cert", b"client-cert-chain"})
"""Fields that are taken as absent unless a proxy of ours sent them (rule 94): anybody could write them."""
_READ: Final = _PROXIES_OWN | {
    *(b"authorization", b"dpop", b"accept", b"content-type", b"x-forwarded-for", b"x-request-id", b"traceparent")
}


def is_from_proxy(scope: dict[str, Any], trusted_proxies: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether a proxy of ours sent the request, so that it may speak for another one."""
    return _is_within(_peer(scope), trusted_proxies)


def _peer(scope: dict[str, Any]) -> str:
    """The address at the other end of the connection; empty for a local socket."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _address(address: str, forwarded: Sequence[str], trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The address next to the last proxy we run. Fields that other peers sent are ignored, unread (attack A32)."""
    if not forwarded or not _is_within(address, trusted):
        return address
    for hop in reversed(",".join(forwarded).rsplit(",", MAX_HOPS)[-MAX_HOPS:]):
        address = hop.strip()
        if not _is_within(address, trusted):
            break
    return address


def _is_within(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    if not networks:
        return False
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
