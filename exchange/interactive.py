"""The interactive grants, answered by django-oauth-toolkit behind our own endpoint (RFC 6749 s4.1, RFC 7636, RFC 9700).

The toolkit keeps codes, consents and refresh families; who the client is, is ours to say: it is authenticated before
the toolkit sees the request, by every method we know, and the toolkit's answer leaves only after it was recorded.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from oauth2_provider.oauth2_validators import OAuth2Validator

from exchange.body import replay_body
from exchange.clients import authenticate_client
from exchange.protocol.client_auth import offers_credentials, present
from exchange.protocol.response import Answer
from policy.parties import BY_CERTIFICATE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from exchange.caller import Incoming
    from exchange.clients import AuthenticatedClient
    from exchange.registry import Registry
    from exchange.trail import Trail

GRANTS: Final = frozenset({"authorization_code", "refresh_token"})
"""The grant types that the toolkit answers."""

authenticated: ContextVar[AuthenticatedClient | None] = ContextVar("authenticated", default=None)
"""The client that we authenticated for the request the toolkit is answering; nothing on the wire can set it."""


class Validator(OAuth2Validator):
    """The toolkit's rules, with client authentication taken out of its hands."""

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:  # noqa: ANN401, ARG002
        """Every confidential client must authenticate; a public one must not pretend to."""
        if authenticated.get() is not None:
            return True
        application = self._load_application(request.client_id, request)  # type: ignore[no-untyped-call]
        return application is None or application.client_type == application.CLIENT_CONFIDENTIAL

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:  # noqa: ANN401, ARG002
        """Whether we authenticated this request's client. The toolkit's own secret is never looked at."""
        client = authenticated.get()
        if client is None:
            return False
        return self._load_application(client.client.client_id, request) is not None  # type: ignore[no-untyped-call]


def authenticate(
    incoming: Incoming, grant_type: str, registry: Registry, trail: Trail, *, now: datetime
) -> AuthenticatedClient | None:
    """The client of an interactive grant; None for a public client, which proves itself by PKCE alone.

    Raises as ``authenticate_client`` does.
    """
    if not offers_credentials(incoming.authorization, incoming.form) and not _is_by_certificate(incoming, registry):
        trail.claims(incoming.form.get("client_id"))
        return None
    credentials = trail.presented(present(incoming.authorization, incoming.form, incoming.certificate))
    client = trail.authenticated(authenticate_client(credentials, registry, grant_type=grant_type, now=now))
    incoming.limits.client(client.client, grant_type)
    return client


def _is_by_certificate(incoming: Incoming, registry: Registry) -> bool:
    """Whether the certificate of the connection is the client's credential; others have one too, and need none."""
    named = registry.client(incoming.form.get("client_id") or "") if incoming.certificate is not None else None
    return named is not None and not BY_CERTIFICATE.isdisjoint(named.client.methods)


async def relay(
    application: Callable[..., Awaitable[None]], scope: dict[str, Any], body: bytes, client: AuthenticatedClient | None
) -> Answer:
    """The toolkit's answer, held back whole until it was recorded."""
    started: list[Mapping[str, Any]] = []
    pieces: list[bytes] = []

    async def hold(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        else:
            pieces.append(message.get("body", b""))

    mark = authenticated.set(client)
    try:
        await application(scope, replay_body(body), hold)
    finally:
        authenticated.reset(mark)
    headers = tuple((bytes(name), bytes(value)) for name, value in started[0]["headers"] if name != b"content-length")
    return Answer(status=started[0]["status"], headers=headers, body=b"".join(pieces))
