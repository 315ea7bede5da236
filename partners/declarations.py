"""The configuration as an admin declares it: frozen values in the words of the documents, whoever writes them.

Documents, pages and the API all make these and hand them to the services; the inventory reads them back from the
database. Field names, types, limits, defaults and meanings here are the schema: ``docs/configuration.md`` is made from
it. No secret is ever part of one: secrets are put by services of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, ClassVar, Final, TypeAlias

from pydantic import ConfigDict, Field

from partners.introspection_declarations import DeclaredIntrospection
from partners.mapping_declarations import STRICT, DeclaredMapping, DeclaredRule, ScopeNames
from partners.notation import (
    Audience,
    Burst,
    ClientName,
    DailyQuota,
    Day,
    Depth,
    DnsName,
    EmailAddress,
    EmailName,
    Flag,
    FullTitle,
    IpName,
    IssuerUrl,
    Jwks,
    KeySetUrl,
    Leeway,
    Lifetime,
    OnceEach,
    RedirectUri,
    RefersTo,
    RequestRate,
    ResourceUri,
    ScopeName,
    Sentence,
    Slug,
    SubjectLifetime,
    SubjectName,
    TargetLifetime,
    Text,
    Title,
    TrustAnchors,
    UriName,
)
from partners.states import ClientState
from partners.vocabulary import (
    ClientType,
    DeclaredPartnerState,
    GrantType,
    Kind,
    SignatureAlgorithm,
    SubjectTokenType,
)
from partners.workload_declarations import DeclaredWorkload
from policy.parties import ClientAuthentication, Risk, TokenFormat

__all__ = [
    "KINDS",
    "Declared",
    "DeclaredClient",
    "DeclaredIntrospection",
    "DeclaredMapping",
    "DeclaredPartner",
    "DeclaredRule",
    "DeclaredScope",
    "DeclaredTarget",
    "DeclaredTrust",
    "DeclaredWorkload",
]

Scopes: TypeAlias = Mapping[ScopeName, "DeclaredScope"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredScope:
    """One entry of a target's scope catalogue."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    description: Annotated[Sentence, Field(description="What it lets a caller do, for those who approve it.")]
    risk: Annotated[Risk, Field(description="How much harm it can do.")] = Risk.LOW


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTarget:
    """A resource of ours that tokens are minted for. Only names registered here can become an audience (rule 153)."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    kind: ClassVar[Kind] = Kind.TARGET

    name: Annotated[Slug, Field(description="Its name in this configuration.")]
    audience: Annotated[Audience, Field(description="The value of `aud` in its tokens. No two targets share one.")]
    title: Annotated[Title, Field(description="Its name on pages.")] = ""
    description: Annotated[Text, Field(description="What it is, for those who approve access to it.")] = ""
    resources: Annotated[
        tuple[ResourceUri, ...],
        OnceEach,
        Field(description="URIs that name the same target in a `resource` parameter (RFC 8707)."),
    ] = ()
    lifetime: Annotated[TargetLifetime, Field(description="The longest a token for it may live.")] = timedelta(
        minutes=5
    )
    token_format: Annotated[
        TokenFormat,
        Field(description="A `reference` says nothing by itself: the target asks us about each one (RFC 7662)."),
    ] = TokenFormat.JWT
    is_active: Annotated[Flag, Field(description="False: no token is minted for it.")] = True
    is_test: Annotated[
        Flag, Field(description="Nothing real is behind it: partners not activated yet may exchange tokens for it.")
    ] = False
    scopes: Annotated[Scopes, Field(description="Its scope catalogue: nothing else can be granted here.")] = field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPartner:
    """An organisation whose systems exchange tokens here."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    kind: ClassVar[Kind] = Kind.PARTNER

    name: Annotated[Slug, Field(description="Its name in this configuration; part of `sub` in tokens: never changes.")]
    title: Annotated[FullTitle, Field(description="The organisation's name on pages.")]
    state: Annotated[
        DeclaredPartnerState | None,
        Field(
            description="Left out: untouched, and a new partner is a draft, which exchanges for test targets only."
            " `offboarded` is final."
        ),
    ] = None
    owner: Annotated[
        EmailAddress | None, Field(description="Who answers for it on our side: the e-mail address of an account here.")
    ] = None
    contact_email: Annotated[EmailAddress | None, Field(description="Whom to reach at the partner.")] = None
    purpose: Annotated[Text, Field(description="What the partnership is for.")] = ""
    review_due_on: Annotated[Day | None, Field(description="When somebody looks at it again.")] = None
    contract_ends_on: Annotated[Day | None, Field(description="When the agreement ends.")] = None
    trust_anchors: Annotated[
        TrustAnchors | None,
        Field(description="The authorities its clients' certificates chain to, for `tls_client_auth` (RFC 8705)."),
    ] = None
    default_target: Annotated[
        Slug | None,
        RefersTo(Kind.TARGET),
        Field(description="The target of a request that names none; without it such a request is refused."),
    ] = None
    requests_per_minute: RequestRate | None = None
    burst: Burst | None = None
    daily_quota: DailyQuota | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredClient:
    """An OAuth client: a partner's system, or a resource server of ours."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    kind: ClassVar[Kind] = Kind.CLIENT

    name: Annotated[ClientName, Field(description="The `client_id` on the wire.")]
    title: Annotated[Title, Field(description="Its name on pages.")] = ""
    partner: Annotated[
        Slug | None,
        RefersTo(Kind.PARTNER),
        Field(description="Whose client it is; left out for one of ours. A client never moves to another partner."),
    ] = None
    state: Annotated[ClientState | None, Field(description="Left out: untouched, and a new client is active.")] = None
    client_type: Annotated[
        ClientType, Field(description="`public` cannot authenticate, so it cannot exchange tokens.")
    ] = ClientType.CONFIDENTIAL
    methods: Annotated[
        tuple[ClientAuthentication, ...],
        OnceEach,
        Field(description="How it authenticates; a confidential client has at least one. Prefer `private_key_jwt`."),
    ] = ()
    grant_types: Annotated[tuple[GrantType, ...], OnceEach, Field(description="The grants it may use.")] = (
        GrantType.TOKEN_EXCHANGE,
    )
    scopes: Annotated[
        ScopeNames, Field(description="Its ceiling: a scope that is not listed is never granted to it.")
    ] = ()
    jwks: Annotated[Jwks | None, Field(description="Its public keys, for `private_key_jwt` or its certificate.")] = None
    jwks_uri: Annotated[KeySetUrl | None, Field(description="Or where they are published. One of the two.")] = None
    assertion_algorithms: Annotated[
        tuple[SignatureAlgorithm, ...], OnceEach, Field(description="The signatures its assertions may have.")
    ] = (SignatureAlgorithm.ES256,)
    accepts_endpoint_audience: Annotated[
        Flag, Field(description="Its assertions may name the token endpoint as `aud`, as old libraries do.")
    ] = False
    tls_client_auth_subject_dn: Annotated[
        SubjectName | None,
        Field(
            description="For `tls_client_auth`, exactly one of these five: the subject of its certificate (RFC 4514)."
        ),
    ] = None
    tls_client_auth_san_dns: Annotated[DnsName | None, Field(description="Or a host name in it, without wildcard.")] = (
        None
    )
    tls_client_auth_san_uri: Annotated[UriName | None, Field(description="Or a URI in it, such as a SPIFFE id.")] = None
    tls_client_auth_san_ip: Annotated[IpName | None, Field(description="Or an IP address in it.")] = None
    tls_client_auth_san_email: Annotated[EmailName | None, Field(description="Or an e-mail address in it.")] = None
    trust_anchors: Annotated[
        TrustAnchors | None,
        Field(description="For `tls_client_auth`: the authorities its certificate chains to; left out: its partner's."),
    ] = None
    tls_client_certificate_bound_access_tokens: Annotated[
        Flag, Field(description="Its tokens are bound to the certificate it connects with (RFC 8705 section 3).")
    ] = False
    dpop_bound_access_tokens: Annotated[
        Flag, Field(description="A request without a DPoP proof is refused (RFC 9449 section 5.2).")
    ] = False
    requires_dpop_nonce: Annotated[
        Flag, Field(description="Its DPoP proofs must carry a nonce of ours (RFC 9449 section 8).")
    ] = False
    workload: Annotated[
        DeclaredWorkload | None,
        Field(description="For `workload_jwt`: whose tokens authenticate it, and which of them."),
    ] = None
    redirect_uris: Annotated[
        tuple[RedirectUri, ...], OnceEach, Field(description="For `authorization_code`: compared exactly.")
    ] = ()
    serves: Annotated[
        tuple[Annotated[Slug, RefersTo(Kind.TARGET)], ...],
        OnceEach,
        Field(description="The targets it is a resource server of: it may introspect their tokens."),
    ] = ()
    requests_per_minute: RequestRate | None = None
    burst: Burst | None = None
    daily_quota: DailyQuota | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTrust:
    """Our decision to accept one issuer's tokens for one partner."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    kind: ClassVar[Kind] = Kind.TRUST

    name: Annotated[Slug, Field(description="Its name, unique within the partner.")]
    partner: Annotated[Slug, RefersTo(Kind.PARTNER), Field(description="Whose tokens these are.")]
    issuer: Annotated[IssuerUrl, Field(description="The `iss` of the tokens, compared character by character.")]
    jwks: Annotated[Jwks | None, Field(description="The issuer's public keys; never fetched.")] = None
    jwks_uri: Annotated[
        KeySetUrl | None,
        Field(description="Where the keys are published. Neither of the two: by discovery at the issuer."),
    ] = None
    audiences: Annotated[
        tuple[Audience, ...],
        OnceEach,
        Field(description="Values of `aud` accepted beside our issuer identifier and the client's id."),
    ] = ()
    token_types: Annotated[
        tuple[SubjectTokenType, ...], OnceEach, Field(description="The token types accepted (RFC 8693 section 3).")
    ] = (SubjectTokenType.ACCESS_TOKEN,)
    algorithms: Annotated[tuple[SignatureAlgorithm, ...], OnceEach, Field(description="The signatures accepted.")] = (
        SignatureAlgorithm.ES256,
        SignatureAlgorithm.RS256,
    )
    rules: Annotated[
        tuple[DeclaredRule, ...], Field(description="Conditions on the claims; all must hold, also for an actor token.")
    ] = ()
    leeway: Annotated[Leeway, Field(description="How far clocks may differ.")] = timedelta(seconds=30)
    introspection: Annotated[
        DeclaredIntrospection | None,
        Field(description="Where its issuer is asked about opaque access tokens; left out: they are refused."),
    ] = None
    subject_lifetime: Annotated[
        SubjectLifetime, Field(description="The longest lifetime the issuer may give its tokens.")
    ] = timedelta(hours=1)
    lifetime: Annotated[Lifetime, Field(description="The longest a token of ours may live.")] = timedelta(minutes=5)
    max_depth: Annotated[Depth, Field(description="The most `act` members in a token of ours.")] = 1
    one_time: Annotated[Flag, Field(description="Each subject token can be exchanged once only.")] = False
    reusable_assertions: Annotated[
        Flag,
        Field(description="An assertion of the jwt-bearer grant may come again until it expires (RFC 7523 section 3)."),
    ] = False
    allows_foreign_chain: Annotated[
        Flag, Field(description="A subject token may carry `act` and `may_act` at the same time.")
    ] = False
    accepts_actors: Annotated[
        Flag, Field(description="The actor token may be another party's than the client's own (RFC 8693 section 2.1).")
    ] = False


Declared = DeclaredTarget | DeclaredPartner | DeclaredClient | DeclaredTrust | DeclaredMapping

KINDS: Final[Mapping[Kind, type[Declared]]] = {
    Kind.TARGET: DeclaredTarget,
    Kind.PARTNER: DeclaredPartner,
    Kind.CLIENT: DeclaredClient,
    Kind.TRUST: DeclaredTrust,
    Kind.MAPPING: DeclaredMapping,
}
