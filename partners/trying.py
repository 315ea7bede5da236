"""What a partner has to try a token with: keys to verify it, mappings it may fall under, clients that may send it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from partners import models
from partners.states import ClientState, KeyMethod, MappingState, SourceOfMapping, TrustState
from partners.vocabulary import GrantType

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Tryable:
    """A mapping in force that a token of the partner's issuers may fall under. ``clients`` is None for all of them."""

    name: str
    audience: str
    is_test: bool
    scopes: tuple[str, ...]
    clients: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trying:
    """What there is. ``is_verifying``: whether any trust in force can verify a token."""

    trusts: int
    is_verifying: bool
    mappings: tuple[Tryable, ...]
    clients: tuple[str, ...]


def trying(partner_id: UUID) -> Trying:
    """What the partner has, as it is now. Three queries."""
    trusts = list(
        models.FederationTrust.objects.filter(partner=partner_id, state=TrustState.ACTIVE).select_related("key_source")
    )
    mappings = models.ScopeMapping.objects.filter(
        partner=partner_id, state=MappingState.PUBLISHED, source=SourceOfMapping.TRUST, target__is_active=True
    )
    clients = models.Client.objects.filter(
        partner=partner_id, state=ClientState.ACTIVE, grant_types__contains=[GrantType.TOKEN_EXCHANGE]
    )
    return Trying(
        trusts=len(trusts),
        is_verifying=any(map(_verifies, trusts)),
        mappings=tuple(_tryable(row) for row in mappings.select_related("target").order_by("position", "name")),
        clients=tuple(clients.order_by("client_id").values_list("client_id", flat=True)),
    )


def _verifies(trust: models.FederationTrust) -> bool:
    """Whether it has keys, somebody to ask, or keys that the first token will have fetched."""
    source = trust.key_source
    is_new = source.method != KeyMethod.UPLOADED and source.fetched_at is None and not source.failures
    return bool(source.jwks.get("keys") or trust.introspection_endpoint or is_new)


def _tryable(row: models.ScopeMapping) -> Tryable:
    return Tryable(
        name=row.name,
        audience=row.target.audience,
        is_test=row.target.is_test,
        scopes=tuple(row.default_scopes or row.always),
        clients=None if row.clients is None else tuple(row.clients),
    )
