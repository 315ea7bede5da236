"""Who calls the API: the bearer of one of our own access tokens, or a person's browser with its session.

The lane verified the token before this code ran (``exchange.admission``): signature, type, audience, times, standing,
and the proof of the key it is bound to. What is left to say here is what its bearer may do: the token's scopes, and for
a person what their roles allow besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.authentication import SessionAuthentication as BrowserSession
from rest_framework.exceptions import AuthenticationFailed

from audit.events import Actor, ActorKind
from audit.identifiers import new_id
from exchange.admission import ADMITTED, Admitted
from portal.permissions import Permission, permissions_of

if TYPE_CHECKING:
    from rest_framework.request import Request

    from exchange.own_tokens import OwnToken
    from portal.models import User

    Somebody = User | AnonymousUser

NOBODY: Final = AnonymousUser()
_PERMISSIONS: Final = frozenset(Permission)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, and what they may do here. ``scopes`` is None for a session, which no scope narrows."""

    actor: Actor
    held: frozenset[Permission]
    scopes: frozenset[str] | None
    name: str = ""

    @property
    def id(self) -> str:
        """What tells one caller from another: the same person through two clients is two callers."""
        return f"{self.actor.kind}:{self.actor.name} {self.actor.via}".rstrip()


def admitted_of(request: Request) -> Admitted | None:
    """What the lane verified; None where the request did not come through it."""
    found = getattr(request._request, "scope", {}).get(ADMITTED)  # noqa: SLF001 - the framework's own way to Django's
    return found if isinstance(found, Admitted) else None


def reference_of(request: Request) -> UUID:
    """What the call and its events are found by."""
    admitted = admitted_of(request)
    if admitted is not None:
        return UUID(admitted.correlation_id)
    known: UUID = request._request.__dict__.setdefault("_reference", UUID(new_id()))  # noqa: SLF001
    return known


def challenge_of(request: Request) -> str:
    """Where a caller without credentials reads whom to ask for some (RFC 9728 section 5.1)."""
    admitted = admitted_of(request)
    described = f', resource_metadata="{admitted.description}"' if admitted else ""
    return f'Bearer realm="handover"{described}'


class TokenAuthentication(BaseAuthentication):
    """An access token for this API (RFC 6750, RFC 9068), as the lane admitted it."""

    def authenticate(self, request: Request) -> tuple[Somebody, Caller] | None:
        """The bearer, or None without a token. Raises ``AuthenticationFailed`` for a person who left."""
        admitted = admitted_of(request)
        return None if admitted is None or admitted.own is None else _bearer(admitted.own)

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401."""
        return challenge_of(request)


class SessionAuthentication(BrowserSession):
    """A browser's session; whatever changes something brings the form's own token too (CWE-352)."""

    def authenticate(self, request: Request) -> tuple[Somebody, Caller] | None:
        """The person who is signed in, or None. Raises ``PermissionDenied`` for a forged form."""
        found = super().authenticate(request)
        if found is None:
            return None
        user: User = found[0]
        actor = Actor(ActorKind.USER, user.get_username())
        return user, Caller(actor=actor, held=permissions_of(user), scopes=None, name=str(user))


def _bearer(own: OwnToken) -> tuple[Somebody, Caller]:
    scopes = frozenset(str(own.claims.get("scope", "")).split())
    lent = _PERMISSIONS & {Permission(scope) for scope in scopes if scope in _PERMISSIONS}
    kind, _, name = str(own.claims["sub"]).partition(":")
    if kind == ActorKind.CLIENT:
        actor = Actor(ActorKind.CLIENT, name)
        return NOBODY, Caller(actor=actor, held=lent, scopes=scopes, name=name)
    user = _person(name) if kind == ActorKind.USER else None
    if user is None:
        raise AuthenticationFailed
    actor = Actor(ActorKind.USER, user.get_username(), via=own.client_id)
    return user, Caller(actor=actor, held=lent & permissions_of(user), scopes=scopes, name=str(user))


def _person(text: str) -> User | None:
    """The account of a token's subject, still in use."""
    user: User | None = get_user_model()._default_manager.filter(pk=UUID(text), is_active=True).first()  # noqa: SLF001
    return user
