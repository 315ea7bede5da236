"""A device asks to be let in: who asks, and for which scopes (RFC 8628 sections 3.1 and 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from exchange import devices
from exchange.interactive import authenticate, public_client
from exchange.protocol.errors import refusal
from exchange.protocol.request import parse_scope
from exchange.protocol.response import NO_STORE, Answer
from policy.reasons import Reason, Rule

if TYPE_CHECKING:
    from datetime import datetime

    from exchange.caller import Incoming
    from exchange.devices import Codes
    from exchange.limits.levels import Limits
    from exchange.registry import Registry
    from exchange.trail import Trail
    from policy.parties import Client

PAGE_PATH: Final = "/oauth/device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A well-formed request of a client that may make it. ``scope`` is what a token may have at most."""

    client: Client
    scope: frozenset[str]


def asked(incoming: Incoming, registry: Registry, limits: Limits, trail: Trail, *, now: datetime) -> Asked:
    """The client, proven as far as it can be, and what it asks for. Raises ``OAuthError``.

    A public client proves nothing, so that the address pays: else anybody could use up the client's limit.
    """
    requested = parse_scope(incoming.form.get("scope"))
    client = authenticate(incoming, registry, trail, now=now)
    if client is None:
        limits.anonymous(trail.address)
        client = trail.authenticated(public_client(trail.client_id(), registry, trail.grant_type))
    return Asked(client=client.client, scope=_offered(requested, client.client, registry))


def _offered(requested: frozenset[str] | None, client: Client, registry: Registry) -> frozenset[str]:
    """What is asked for, or all there is, within the client's ceiling: the person is shown no more than can come."""
    ours = registry.targets[registry.people_audience].scopes.keys()
    offered = (client.scopes if requested is None else requested & client.scopes) & ours
    if not offered:
        expected = " ".join(sorted(client.scopes & ours)) or "a scope of our API in the client's ceiling"
        received = "none" if requested is None else " ".join(sorted(requested))
        raise refusal(Reason.SCOPE_NOT_GRANTED, Rule.SCOPE, expected, received)
    return offered


def told(codes: Codes, issuer: str) -> Answer:
    """The codes, and where to go with them (section 3.2)."""
    user_code, page = devices.spaced(codes.user_code), issuer + PAGE_PATH
    body = {
        "device_code": codes.device_code.reveal(),
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={user_code}",
        "expires_in": int(devices.LIFETIME.total_seconds()),
        "interval": int(devices.INTERVAL.total_seconds()),
    }
    return Answer(status=200, headers=NO_STORE, body=orjson.dumps(body))
