"""Client authentication: who is asking, proven (RFC 6749 s2.3, RFC 7521, RFC 7523 s3, RFC 8705 s2).

Every failure answers ``invalid_client`` in the same words and, as far as cryptography goes, in the same time, so that
nobody can list our clients by asking (rule 7).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from joserfc.jwk import ECKey
from msgspec import Struct
from msgspec.structs import replace

from exchange.certificates import check_chain, check_key
from exchange.jwt_checks import Wrong, check_header, check_signature, check_times, media_type, strings
from exchange.keyring import EMPTY, KeyRing, VerificationKey, key_ring
from exchange.protocol.compact import CompactJws, NotCompact, parse_compact
from exchange.protocol.errors import OAuthError, refusal
from exchange.signatures import sign_es256
from exchange.spending import Purpose, SpendOnce
from exchange.verifying import MissingKey
from exchange.workloads import Vouched, vouch
from partners import secrets
from policy.parties import ClientAuthentication
from policy.reasons import Reason, Rule, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exchange.protocol.client_auth import Credentials
    from exchange.protocol.client_certificate import ClientCertificate
    from exchange.registry import Registry
    from partners.selectors import RegisteredClient
    from policy.parties import Client
    from policy.tokens import JSON

ASSERTION_LIFETIME: Final = timedelta(minutes=5)
ASSERTION_LEEWAY: Final = timedelta(seconds=60)
MAX_JTI_LENGTH: Final = 255
ASSERTION_TYPES: Final = frozenset({"", "jwt", "client-authentication+jwt"})


class AuthenticatedClient(Struct, frozen=True, kw_only=True):
    """A client that proved who it is in this request, and what that proof spends."""

    client: Client
    method: ClientAuthentication | None
    """None for a public client, which has nothing to authenticate with (RFC 6749 section 2.1)."""
    spends: SpendOnce | None
    vouched: Vouched | None = None
    """Who its platform says it is, where that is how it proved itself."""


def authenticate_client(
    credentials: Credentials, registry: Registry, *, grant_type: str | None, now: datetime
) -> AuthenticatedClient:
    """The caller, proven and allowed to use this grant type; None where it asks for no grant.

    Raises ``InvalidClient``, ``UnauthorizedClient``, or ``MissingKey`` when its key set may have moved.
    """
    credentials = _meant(credentials, registry)
    spends, vouched = None, None
    if credentials.certificate is not None:
        registered = _by_certificate(credentials, credentials.certificate, registry, now)
    elif credentials.method is ClientAuthentication.WORKLOAD_JWT:
        registered, vouched = _by_platform(credentials, registry, now)
    elif credentials.method is ClientAuthentication.PRIVATE_KEY_JWT:
        registered, spends = _by_assertion(credentials, registry, now)
    else:
        registered = _by_secret(credentials, registry, now)
    client = registered.client
    check_standing(client, credentials, grant_type)
    return AuthenticatedClient(client=client, method=credentials.method, spends=spends, vouched=vouched)


def _deny(reason: Reason, credentials: Credentials, expected: str, received: str = "") -> OAuthError:
    return refusal(reason, Rule.CLIENT, expected, received, challenge=credentials.is_challenged)


def check_standing(client: Client, credentials: Credentials, grant_type: str | None) -> None:
    """Confidential, active, of an active partner, registered for the method it used and for the grant (rule 26).

    Whoever the client is, it was proven before, or is supposed. Raises ``InvalidClient`` or ``UnauthorizedClient``.
    """
    if not client.is_confidential:
        raise _deny(Reason.CLIENT_PUBLIC, credentials, "a confidential client")
    if credentials.method not in client.methods:
        raise _deny(Reason.METHOD_NOT_REGISTERED, credentials, " ".join(sorted(client.methods)), credentials.method)
    if not client.is_active:
        raise _deny(Reason.CLIENT_SUSPENDED, credentials, "an active client", "suspended")
    if client.partner is not None and not client.partner.is_served:
        raise _deny(Reason.PARTNER_INACTIVE, credentials, "an active partner", client.partner.slug)
    if grant_type is not None and grant_type not in client.grant_types:
        raise refusal(
            Reason.GRANT_TYPE_NOT_ALLOWED, Rule.CLIENT, " ".join(sorted(client.grant_types)), shown(grant_type)
        )


def _by_secret(credentials: Credentials, registry: Registry, now: datetime) -> RegisteredClient:
    registered = registry.client(credentials.unverified_client_id or "")
    secret = credentials.credential.reveal()
    if registered is None or not registered.secrets:
        secrets.digest(secret, kek_id=settings.HANDOVER.kek.id)
        reason = Reason.CLIENT_UNKNOWN if registered is None else Reason.SECRET_WRONG
        raise _deny(reason, credentials, "a registered client with a secret", shown(credentials.unverified_client_id))
    for known in registered.secrets:
        is_live = known.expires_at is None or now < known.expires_at
        if secrets.matches(secret, kek_id=known.kek_id, expected=known.digest) and is_live:
            return registered
    raise _deny(Reason.SECRET_WRONG, credentials, "a live secret of the client", "another value")


def _meant(credentials: Credentials, registry: Registry) -> Credentials:
    """With the one of two methods that the client is registered for, where the wire does not say which it is."""
    other = _LOOKS_LIKE.get(credentials.method)
    registered = None if other is None else registry.client(credentials.unverified_client_id or "")
    if other is None or registered is None or other not in registered.client.methods:
        return credentials
    return replace(credentials, method=other)


_LOOKS_LIKE: Final = {
    ClientAuthentication.TLS_CLIENT_AUTH: ClientAuthentication.SELF_SIGNED_TLS_CLIENT_AUTH,
    ClientAuthentication.PRIVATE_KEY_JWT: ClientAuthentication.WORKLOAD_JWT,
}


def _by_certificate(
    credentials: Credentials, certificate: ClientCertificate, registry: Registry, now: datetime
) -> RegisteredClient:
    """The certificate of the connection: by its chain and name, or by its key (RFC 8705 section 2)."""
    registered = registry.client(credentials.unverified_client_id or "")
    if registered is None:
        raise _deny(Reason.CLIENT_UNKNOWN, credentials, "a registered client", shown(credentials.unverified_client_id))
    if credentials.method is ClientAuthentication.SELF_SIGNED_TLS_CLIENT_AUTH:
        _check_key(credentials, certificate, registered, registry.client_keys(registered), now)
        return registered
    if registered.certificate is None:
        expected = " ".join(sorted(registered.client.methods))
        raise _deny(Reason.METHOD_NOT_REGISTERED, credentials, expected, credentials.method)
    wrong = check_chain(certificate, registered.certificate, now)
    if wrong is not None:
        raise _deny(wrong.reason, credentials, wrong.expected, wrong.received)
    return registered


def _check_key(
    credentials: Credentials,
    certificate: ClientCertificate,
    registered: RegisteredClient,
    keys: KeyRing,
    now: datetime,
) -> None:
    """The key is in the client's set, which may have moved since it was fetched."""
    wrong = check_key(certificate, keys if keys.is_usable(now) else EMPTY, now)
    if wrong is None:
        return
    error = _deny(wrong.reason, credentials, wrong.expected, wrong.received)
    if keys.is_fetched and registered.key_source_id is not None:
        raise MissingKey(registered.key_source_id, certificate.thumbprint, error)
    raise error


def _by_platform(credentials: Credentials, registry: Registry, now: datetime) -> tuple[RegisteredClient, Vouched]:
    """A JWT of the platform that the named client runs on. An unknown client costs a verification too."""
    registered = registry.client(credentials.unverified_client_id or "")
    if registered is None:
        _DECOY.verify("ES256", b"", _DECOY_SIGNATURE)
        raise _deny(Reason.CLIENT_UNKNOWN, credentials, "a registered client", shown(credentials.unverified_client_id))
    keys = registry.client_keys(registered)
    return registered, vouch(
        credentials.credential, registered, keys, us=registry.issuer, leeway=ASSERTION_LEEWAY, now=now
    )


def _by_assertion(credentials: Credentials, registry: Registry, now: datetime) -> tuple[RegisteredClient, SpendOnce]:
    """A JWT signed by the client's own key (RFC 7523 section 3). An unknown client costs a verification too."""
    try:
        jws = parse_compact(credentials.credential)
    except NotCompact as error:
        raise _deny(Reason.ASSERTION_REFUSED, credentials, "a compact JWS", str(error)) from error
    client_id = jws.unverified_claims.get("sub")
    registered = registry.client(client_id) if isinstance(client_id, str) else None
    if registered is None:
        _DECOY.verify("ES256", jws.signing_input, _DECOY_SIGNATURE)
        raise _deny(Reason.CLIENT_UNKNOWN, credentials, "sub: a registered client", shown(client_id))
    _check_assertion(jws, credentials, registered, registry.client_keys(registered), now)
    return registered, _claims(jws.unverified_claims, credentials, registry, registered, now)


def _check_assertion(
    jws: CompactJws, credentials: Credentials, registered: RegisteredClient, keys: KeyRing, now: datetime
) -> None:
    """Type, algorithm by registration (rule 62), key (rule 63), signature."""
    typ = media_type(jws.unverified_header)
    if typ not in ASSERTION_TYPES:
        raise _deny(Reason.ASSERTION_REFUSED, credentials, "typ: client-authentication+jwt", shown(typ))
    _deny_wrong(check_header(jws, registered.client.assertion_algorithms), credentials)
    kid = jws.unverified_header.get("kid")
    key = keys.find(None if kid is None else str(kid)) if keys.is_usable(now) else None
    if key is None:
        error = _deny(Reason.ASSERTION_REFUSED, credentials, "a usable key of the client", f"kid {shown(kid)}")
        if keys.is_fetched and registered.key_source_id is not None:
            raise MissingKey(registered.key_source_id, str(kid), error)
        raise error
    _deny_wrong(check_signature(jws, key), credentials)


def _deny_wrong(wrong: Wrong | None, credentials: Credentials) -> None:
    if wrong is not None:
        raise _deny(Reason.ASSERTION_REFUSED, credentials, wrong.expected, wrong.received)


def _claims(
    claims: Mapping[str, JSON],
    credentials: Credentials,
    registry: Registry,
    registered: RegisteredClient,
    now: datetime,
) -> SpendOnce:
    """``iss`` = ``sub`` = client id, ``aud`` = us alone, short-lived, and a ``jti`` to spend (rules 59, 60)."""
    client = registered.client
    if claims.get("iss") != client.client_id:
        raise _deny(Reason.ASSERTION_REFUSED, credentials, "iss equal to sub", shown(claims.get("iss")))
    if credentials.unverified_client_id not in {None, client.client_id}:
        raise refusal(Reason.CLIENT_ID_MISMATCH, Rule.CLIENT, "client_id equal to sub", "another")
    accepted = {registry.issuer} | ({registry.token_endpoint} if client.accepts_endpoint_audience else set())
    audience = strings(claims.get("aud"))
    if audience is None or len(audience) != 1 or audience[0] not in accepted:
        raise _deny(
            Reason.ASSERTION_REFUSED, credentials, "aud: " + " or ".join(sorted(accepted)), shown(claims.get("aud"))
        )
    ends = check_times(claims, leeway=ASSERTION_LEEWAY, longest=ASSERTION_LIFETIME, now=now)
    if isinstance(ends, Wrong):
        raise _deny(Reason.ASSERTION_REFUSED, credentials, ends.expected, ends.received)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti or len(jti) > MAX_JTI_LENGTH or not jti.isprintable():
        raise _deny(Reason.ASSERTION_REFUSED, credentials, "jti: 1 to 255 printable characters", shown(jti))
    return SpendOnce(
        purpose=Purpose.CLIENT_ASSERTION,
        issuer=client.client_id,
        jti=jti,
        expires_at=ends + ASSERTION_LEEWAY,
        reason=Reason.ASSERTION_REPLAYED,
    )


def _decoy() -> tuple[VerificationKey, bytes]:
    """A key and a signature of it over something else: what an unknown client's assertion is checked against."""
    private = ECKey.generate_key("P-256")
    public: dict[str, JSON] = {**private.as_dict(private=False)}  # type: ignore[dict-item]
    key = key_ring((public,), is_fetched=False, usable_until=None).find(None)
    assert key is not None
    return key, sign_es256(private.get_op_key("sign"), b"decoy")


_DECOY, _DECOY_SIGNATURE = _decoy()
