"""The interactive grants, answered by django-oauth-toolkit behind our own endpoint (RFC 6749 s4.1, RFC 7636, RFC 9700).

The toolkit keeps codes, consents and refresh families; who the client is, and which token comes of it, is ours to say:
the client is authenticated before the toolkit sees the request, by every method we know, and where the toolkit would
make up an access token it asks our pipeline for one, which is decided, signed and recorded like every other.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc8628.grant_types import DeviceCodeGrant

from exchange import devices
from exchange.body import replay_body
from exchange.clients import AuthenticatedClient, authenticate_client
from exchange.people import Consent, person
from exchange.protocol.client_auth import offers_credentials, present
from exchange.protocol.errors import refusal
from exchange.protocol.request import DEVICE_CODE
from exchange.protocol.response import Answer
from exchange.roots import end_family_of
from partners.vocabulary import GrantType
from policy.parties import BY_CERTIFICATE
from policy.reasons import Reason, Rule, shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from exchange.caller import Incoming
    from exchange.registry import Registry
    from exchange.signed_token import SignedToken
    from exchange.trail import Trail

_KEPT: Final = frozenset({b"content-type", b"cache-control", b"pragma", b"www-authenticate"})
"""Header fields of the toolkit's answer; the others are pages' business, or the lane's own."""
GRANTS: Final = frozenset({"authorization_code", "refresh_token", DEVICE_CODE})
"""The grant types that the toolkit answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """What a person lent: who, through which client, which scopes; ``root`` is the family of refresh tokens."""

    user_id: object
    client_id: str
    scope: frozenset[str]
    root: str
    jkt: str = ""
    """The key that the refresh token of a public client is bound to (RFC 9449 section 5)."""


@dataclass(slots=True, kw_only=True)
class Sitting:
    """One request that the toolkit answers: who asks, and how it gets a token of ours.

    ``issue`` is called in the toolkit's thread, and answers once the token is committed. ``issued`` and ``refused`` are
    what became of it. ``waits`` is why a device gets no token now: it takes the place of the toolkit's own words.
    """

    client: AuthenticatedClient | None
    issue: Callable[[Lent], SignedToken]
    issued: SignedToken | None = field(default=None, init=False)
    refused: Exception | None = field(default=None, init=False)
    waits: Reason | None = field(default=None, init=False)


class Withheld(Exception):
    """Our pipeline gave no token; ``Sitting.refused`` says why, and whatever the toolkit answers does not leave."""


sitting: ContextVar[Sitting | None] = ContextVar("sitting", default=None)
"""The request that the toolkit is answering; nothing on the wire can set it."""


def access_token(request: Any) -> str:  # noqa: ANN401 - oauthlib's request
    """The toolkit's ``ACCESS_TOKEN_GENERATOR``: our token in place of its own. Raises ``Withheld``.

    Scope, lifetime and kind of the answer are those of our token (RFC 6749 section 5.1, RFC 9449 section 5).
    """
    seat = sitting.get()
    if seat is None:
        raise Withheld
    previous = getattr(request, "refresh_token_instance", None)
    request.handover_root = str(uuid4() if previous is None else previous.token_family)
    lent = Lent(
        user_id=request.user.pk,
        client_id=request.client.client_id,
        scope=frozenset(request.scopes or ()),
        root=request.handover_root,
        jkt="" if previous is None else str(request.refresh_token).partition(BOUND_TO)[2],
    )
    try:
        signed = seat.issued = seat.issue(lent)
    except Exception as error:
        seat.refused = error
        raise Withheld from error
    request.scopes = sorted(signed.granted.scope)
    request.extra_credentials = {
        "expires_in": signed.expires_at - signed.issued_at,
        "token_type": signed.token_type,
    }
    return signed.token.reveal()


BOUND_TO: Final = "."


def refresh_token(request: Any) -> str:  # noqa: ANN401, ARG001 - oauthlib's request
    """The toolkit's ``REFRESH_TOKEN_GENERATOR``: 256 random bits, of which it keeps a digest.

    That of a public client names the key of the request's proof: nothing else shows that it was not stolen (RFC 9449
    section 5). Whoever cuts the name off holds another text, which is no token.
    """
    seat = sitting.get()
    jkt = seat.issued.confirmation.get("jkt") if seat is not None and seat.client is None and seat.issued else None
    return token_urlsafe(32) + (f"{BOUND_TO}{jkt}" if jkt else "")


class Validator(OAuth2Validator):
    """The toolkit's rules, with client authentication taken out of its hands."""

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:  # noqa: ANN401, ARG002
        """Every confidential client must authenticate; a public one must not pretend to."""
        if _client() is not None:
            return True
        application = self._load_application(request.client_id, request)  # type: ignore[no-untyped-call]
        return application is None or application.client_type == application.CLIENT_CONFIDENTIAL

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:  # noqa: ANN401, ARG002
        """Whether we authenticated this request's client. The toolkit's own secret is never looked at."""
        client = _client()
        if client is None:
            return False
        return self._load_application(client.client.client_id, request) is not None  # type: ignore[no-untyped-call]

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:  # noqa: ANN401
        """As the toolkit says; a token that was used before ends its family, and all tokens of ours that came of it."""
        is_good = bool(super().validate_refresh_token(refresh_token, client, request, *args, **kwargs))  # type: ignore[no-untyped-call]
        if not is_good:
            end_family_of(refresh_token)
        return is_good

    def validate_grant_type(
        self,
        client_id: str,  # noqa: ARG002 - the toolkit's signature
        grant_type: str,
        client: Any,  # noqa: ANN401, ARG002
        request: Any,  # noqa: ANN401
        *args: Any,  # noqa: ANN401, ARG002
        **kwargs: Any,  # noqa: ANN401, ARG002
    ) -> bool:
        """The client is registered for this very grant; the toolkit takes whoever uses codes for one who refreshes."""
        return grant_type in request.client.grant_types

    def validate_device_code(self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any) -> str | None:  # noqa: ANN401, ARG002
        """What a device that polls is to hear, by oauthlib's words (RFC 8628 section 3.5); its row stays locked."""
        found = devices.polled(code, request.client.client_id)
        if isinstance(found, Reason):
            seat = sitting.get()
            if seat is not None and found is not Reason.GRANT_REFUSED:
                seat.waits = found
            return None
        request.user, request.scopes, request.device_grant = found.user, found.scope.split(), found
        return str(DeviceCodeGrant.DEVICE_CODE_AUTHORIZED)

    def save_bearer_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Only a client that may refresh gets a token to refresh with; a device's grant is used up with its token."""
        if GrantType.REFRESH_TOKEN not in request.client.grant_types:
            token.pop("refresh_token", None)
        super().save_bearer_token(token, request, *args, **kwargs)  # type: ignore[no-untyped-call]
        if request.grant_type == DEVICE_CODE:
            request.device_grant.delete()

    def _create_refresh_token(self, request: Any, code: str, access_token: Any, previous: Any) -> Any:  # noqa: ANN401
        """The first of a family gets the name that our tokens know it by."""
        row = super()._create_refresh_token(request, code, access_token, previous)  # type: ignore[no-untyped-call]
        if previous is None:
            row.token_family = request.handover_root
            row.save(update_fields=["token_family"])
        return row


def _client() -> AuthenticatedClient | None:
    seat = sitting.get()
    return None if seat is None else seat.client


def authenticate(
    incoming: Incoming, registry: Registry, trail: Trail, *, now: datetime, is_again: bool = False
) -> AuthenticatedClient | None:
    """The client of an interactive grant; None for a public client, which proves itself by PKCE alone.

    ``is_again`` where the same request is judged once more: it is charged once. Raises as ``authenticate_client`` does.
    """
    grant_type = trail.grant_type
    if not offers_credentials(incoming.authorization, incoming.form) and not _is_by_certificate(incoming, registry):
        trail.claims(incoming.form.get("client_id"))
        return None
    credentials = trail.presented(present(incoming.authorization, incoming.form, incoming.certificate))
    client = trail.authenticated(authenticate_client(credentials, registry, grant_type=grant_type, now=now))
    if not is_again:
        incoming.limits.client(client.client, grant_type)
    return client


def consent_of(lent: Lent, client: AuthenticatedClient | None, registry: Registry, trail: Trail) -> Consent:
    """What our pipeline decides about, for the client that asked. Raises ``InvalidClient`` for one that is gone."""
    if client is None:
        client = trail.authenticated(public_client(lent.client_id, registry, trail.grant_type))
    return Consent(
        client=client.client,
        subject=person(lent.user_id, lent.scope, lent.root),
        jkt=lent.jkt,
        scope=lent.scope or None,
        audience=(registry.people_audience,),
    )


def public_client(client_id: str, registry: Registry, grant_type: str) -> AuthenticatedClient:
    """A public client has nothing to prove itself with; that it asks in its own name, PKCE shows (RFC 7636).

    Raises ``InvalidClient`` or ``UnauthorizedClient``.
    """
    registered = registry.client(client_id)
    client = None if registered is None else registered.client
    if client is None or client.is_confidential or not client.is_active:
        raise refusal(Reason.CLIENT_SUSPENDED, Rule.CLIENT, "an active public client", shown(client_id))
    if client.partner is not None and not client.partner.is_active:
        raise refusal(Reason.PARTNER_INACTIVE, Rule.CLIENT, "an active partner", client.partner.slug)
    if grant_type not in client.grant_types:
        allowed = " ".join(sorted(client.grant_types))
        raise refusal(Reason.GRANT_TYPE_NOT_ALLOWED, Rule.CLIENT, allowed, shown(grant_type))
    return AuthenticatedClient(client=client, method=None, spends=None)


def _is_by_certificate(incoming: Incoming, registry: Registry) -> bool:
    """Whether the certificate of the connection is the client's credential; others have one too, and need none."""
    named = registry.client(incoming.form.get("client_id") or "") if incoming.certificate is not None else None
    return named is not None and not BY_CERTIFICATE.isdisjoint(named.client.methods)


async def relay(
    application: Callable[..., Awaitable[None]], scope: dict[str, Any], body: bytes, seat: Sitting
) -> Answer:
    """The toolkit's answer, held back whole until it was recorded. Raises what ``issue`` raised."""
    started: list[Mapping[str, Any]] = []
    pieces: list[bytes] = []

    async def hold(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        else:
            pieces.append(message.get("body", b""))

    mark = sitting.set(seat)
    try:
        await application(scope, replay_body(body), hold)
    finally:
        sitting.reset(mark)
    if seat.refused is not None:
        raise seat.refused
    headers = tuple((bytes(name), bytes(value)) for name, value in started[0]["headers"] if name.lower() in _KEPT)
    return Answer(status=started[0]["status"], headers=headers, body=b"".join(pieces))
