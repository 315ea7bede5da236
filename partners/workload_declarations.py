"""Whose tokens authenticate a workload, as an admin declares it: part of a client."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from partners.mapping_declarations import STRICT, DeclaredRule
from partners.notation import Audience, Jwks, KeySetUrl, Lifetime, OnceEach, WorkloadIssuer
from partners.vocabulary import SignatureAlgorithm
from partners.workloads import DEFAULT_LIFETIME


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredWorkload:
    """The platform that a client runs on and whose tokens authenticate it: Kubernetes, GitHub, GitLab, SPIFFE."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    issuer: Annotated[
        WorkloadIssuer,
        Field(description="The `iss` of the platform's tokens; for SPIFFE the trust domain of their `sub`."),
    ]
    rules: Annotated[
        tuple[DeclaredRule, ...],
        Field(description="Which of the platform's workloads is this client; at least one, and all must hold."),
    ]
    audiences: Annotated[
        tuple[Audience, ...], OnceEach, Field(description="Values of `aud` accepted beside our issuer identifier.")
    ] = ()
    jwks: Annotated[Jwks | None, Field(description="The platform's public keys; never fetched.")] = None
    jwks_uri: Annotated[
        KeySetUrl | None,
        Field(description="Where they are published. Neither of the two: by discovery at the issuer."),
    ] = None
    algorithms: Annotated[tuple[SignatureAlgorithm, ...], OnceEach, Field(description="The signatures accepted.")] = (
        SignatureAlgorithm.ES256,
        SignatureAlgorithm.RS256,
    )
    lifetime: Annotated[
        Lifetime, Field(description="The longest lifetime the platform may give a token; it may be used until its end.")
    ] = DEFAULT_LIFETIME
