"""Who asks and what is asked for: partners, their clients, and our targets with their scope catalogues."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from uuid import UUID


class Risk(StrEnum):
    """How much harm a scope can do, said by the admin who registered it."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    CRITICAL = "critical"


class ClientAuthentication(StrEnum):
    """Client authentication methods by their registered names (RFC 8414 section 2; RFC 7591 section 2).

    ``workload_jwt`` is our own word, and never published: on the wire it looks like ``private_key_jwt`` (RFC 7523).
    """

    CLIENT_SECRET_BASIC = "client_secret_basic"
    CLIENT_SECRET_POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS_CLIENT_AUTH = "tls_client_auth"
    SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth"
    WORKLOAD_JWT = "workload_jwt"


BY_CERTIFICATE: Final = frozenset(
    {ClientAuthentication.TLS_CLIENT_AUTH, ClientAuthentication.SELF_SIGNED_TLS_CLIENT_AUTH}
)
"""The methods whose credential is the certificate of the TLS connection (RFC 8705 section 2)."""


class TokenFormat(StrEnum):
    """What the tokens for a target look like: a JWT says everything itself (RFC 9068), a reference must be asked about.

    Nobody can read a reference, and it is worth nothing from the second it was revoked (RFC 7662).
    """

    JWT = "jwt"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One entry of a target's scope catalogue."""

    name: str
    description: str
    risk: Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A resource of ours that tokens are minted for. An admin approved its names before any token may carry them.

    ``audience`` is the value the ``aud`` claim gets; ``resources`` are the URIs that name the same target in a
    ``resource`` parameter (RFC 8707). ``lifetime`` is the longest a token for it may live. ``is_test``: nothing real is
    behind it, so that partners that are not activated yet may try their exchanges with it.
    """

    id: UUID
    name: str
    audience: str
    resources: tuple[str, ...]
    scopes: Mapping[str, Scope]
    lifetime: timedelta
    token_format: TokenFormat = TokenFormat.JWT
    is_test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much a client or a partner may ask. None: what the installation says; of a day's quota, that there is none.

    ``burst`` is how many of the ``requests_per_minute`` may come at once.
    """

    requests_per_minute: int | None = None
    burst: int | None = None
    daily_quota: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """An organisation whose systems exchange tokens here. ``default_target`` serves requests that name no target."""

    id: UUID
    slug: str
    is_active: bool
    default_target: str | None
    allowance: Allowance = Allowance()
    is_rehearsing: bool = False
    """Whether it is still to be activated: until then it is served for test targets only (``policy.rehearsal``)."""

    @property
    def is_served(self) -> bool:
        """Whether its clients are answered at all."""
        return self.is_active or self.is_rehearsing


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An OAuth client of a partner, as registered (not yet authenticated).

    ``partner`` is None for a client of our own, such as a resource server. ``scopes`` is its ceiling: a scope that is
    not listed is never granted to it. ``accepts_endpoint_audience`` is the compatibility switch of rule 60 (an
    assertion may name the token endpoint as its audience).
    """

    id: UUID
    client_id: str
    partner: Partner | None
    is_active: bool
    is_confidential: bool
    methods: frozenset[ClientAuthentication]
    grant_types: frozenset[str]
    scopes: frozenset[str]
    assertion_algorithms: frozenset[str]
    accepts_endpoint_audience: bool
    allowance: Allowance = Allowance()
    dpop_bound_access_tokens: bool
    """Whether a request of it without a DPoP proof is refused (RFC 9449 section 5.2)."""
    requires_dpop_nonce: bool
    """Whether its proofs must carry a nonce of ours (RFC 9449 section 8)."""
    tls_client_certificate_bound_access_tokens: bool
    """Whether its tokens are bound to the certificate it connects with (RFC 8705 section 3.4)."""
