"""Where an issuer is asked about its opaque tokens, as an admin declares it: part of a trust. Never the secret."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from partners.mapping_declarations import STRICT
from partners.notation import Flag, KeySetUrl, RemoteClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredIntrospection:
    """The issuer's introspection endpoint (RFC 7662), and who we are there."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    endpoint: Annotated[KeySetUrl, Field(description="Its address.")]
    client_id: Annotated[
        RemoteClientId, Field(description="Who we are there; we authenticate with `client_secret_basic`.")
    ]
    allows_missing_audience: Annotated[
        Flag,
        Field(description="An answer without `aud` is accepted: then any token of the issuer is, whoever it is for."),
    ] = False
