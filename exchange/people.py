"""People who signed in here as subjects: what our own API offers them through a client (RFC 6749 s4.1, RFC 9068).

Their tokens name our API as audience. No mapping is published for them: what the person agreed to, within the client's
ceiling, is what the token says; what the person may do besides, each address of the API asks again.

A client of our own may ask for the API in its own name (RFC 6749 section 4.4): its ceiling is what it may do there. A
partner's client may not: whatever it does here, a person is behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from exchange.protocol.response import API_PATH
from exchange.registry import Installation, Ourselves
from exchange.subjects import NEVER
from policy.mapping import MappingSource, ScopeMapping, by_target
from policy.parties import Risk, Scope, Target
from policy.tokens import AuthenticatedSubject

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from exchange.keyring import KeyRing
    from policy.parties import Client

_ID: Final = UUID(int=0)
"""Of what is the installation's own and in no table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a person agreed to: through which client, and which scopes at our own API."""

    client: Client
    subject: AuthenticatedSubject
    scope: frozenset[str] | None
    jkt: str
    """The key that must be proven, where the refresh token names one."""
    audience: tuple[str, ...]
    resource: tuple[str, ...] = ()


def person(user_id: object, scope: frozenset[str], root: str) -> AuthenticatedSubject:
    """Somebody with an account here, and the rights they lent; ``root`` is the family of the refresh token."""
    return AuthenticatedSubject(
        issuer="",
        subject=f"user:{user_id}",
        audience=(),
        scope=scope,
        claims={"sub": str(user_id)},
        expires_at=NEVER,
        root=root,
    )


def installation(issuer: str, ceiling: timedelta, scopes: Mapping[str, str], keys: KeyRing) -> Installation:
    """What is ours; ``scopes`` maps each scope of our API to what it lets a client do."""
    api = _own_api(issuer, scopes, ceiling)
    people = Ourselves(source=MappingSource.PERSON, mappings=by_target([_offer(api, MappingSource.PERSON, "people")]))
    clients = _offer(api, MappingSource.CLIENT, "own clients")
    return Installation(issuer=issuer, ceiling=ceiling, keys=keys, api=api, people=people, own_clients=(clients,))


def _own_api(issuer: str, scopes: Mapping[str, str], lifetime: timedelta) -> Target:
    catalogue = {name: Scope(name=name, description=text, risk=Risk.MODERATE) for name, text in scopes.items()}
    return Target(id=_ID, name="api", audience=issuer + API_PATH, resources=(), scopes=catalogue, lifetime=lifetime)


def _offer(api: Target, source: MappingSource, name: str) -> ScopeMapping:
    """What people may lend, and clients of our own ask for in their own name: each scope of our API is worth itself."""
    names = frozenset(api.scopes)
    return ScopeMapping(
        id=_ID,
        name=name,
        version=1,
        source=source,
        trust_id=None,
        target=api,
        clients=None,
        rules=(),
        grants={name: frozenset({name}) for name in names},
        always=names if source is MappingSource.CLIENT else frozenset(),
        default_scopes=names,
        lifetime=api.lifetime,
        allows_impersonation=True,
        max_depth=0,
        subject_claim="sub",
    )
