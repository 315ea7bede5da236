"""Where an issuer is asked about its opaque tokens, as the registry reads it. The secret stays sealed until its use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from partners.sealed import Sealed

if TYPE_CHECKING:
    from partners import models


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredIntrospection:
    """The endpoint of RFC 7662 at an issuer, and our credential there; None where none was put yet."""

    endpoint: str
    client_id: str
    allows_missing_audience: bool
    secret: Sealed | None = field(repr=False)


def introspection_of(row: models.FederationTrust) -> RegisteredIntrospection | None:
    """Of a trust's row; None where its issuer is never asked."""
    if not row.introspection_endpoint:
        return None
    return RegisteredIntrospection(
        endpoint=row.introspection_endpoint,
        client_id=row.introspection_client_id,
        allows_missing_audience=row.introspection_allows_missing_audience,
        secret=sealed_of(row),
    )


def sealed_of(row: models.FederationTrust) -> Sealed | None:
    """The sealed secret of a trust's row."""
    if not row.introspection_kek_id:
        return None
    return Sealed(
        kek_id=row.introspection_kek_id,
        nonce=bytes(row.introspection_nonce),
        ciphertext=bytes(row.introspection_ciphertext),
    )
