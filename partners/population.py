"""Partners in bulk, with a client, a trust and mappings each: what an installation has after years.

Rows are written past the services, which would take minutes: it is for databases that exist to be measured. Nobody
holds the private keys, so that none of these partners can exchange.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.auth.hashers import make_password
from joserfc.jwk import ECKey

from partners import models
from partners.vocabulary import GrantType, SubjectTokenType

if TYPE_CHECKING:
    from uuid import UUID

    from partners.changes import Change

BATCH: Final = 2000
PREFIX: Final = "bulk"
SCOPES: Final = ("bulk:read", "bulk:write", "bulk:admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPartner:
    """One of them, as the events about it name it."""

    id: UUID
    slug: str
    client_id: str
    issuer: str
    mappings: tuple[str, ...]


def audience(number: int) -> str:
    """The audience of one of the targets in bulk."""
    return f"https://bulk-{number:02}.example"


def fill(change: Change, *, partners: int, mappings: int, targets: int) -> tuple[BulkPartner, ...]:
    """Add so many partners with so many mappings in all, spread over so many targets, beside what is there.

    Raises ``ValueError`` where they were added before: their names are taken.
    """
    if models.Partner.objects.filter(slug__startswith=f"{PREFIX}-").exists():
        raise ValueError("The partners in bulk are there already. Nothing was written. Use a fresh database.")
    change.touch_catalogue()
    aims = _targets(targets)
    rows = [models.Partner(slug=slug, name=_name(slug), state="active") for slug in _slugs(partners)]
    added = models.Partner.objects.bulk_create(rows, batch_size=BATCH)
    trusts = _trusts(added)
    _clients(added)
    counts = [mappings // partners + (number < mappings % partners) for number in range(partners)]
    models.ScopeMapping.objects.bulk_create(
        [
            _mapping(trust, aims[(place + number) % len(aims)], number)
            for place, (trust, count) in enumerate(zip(trusts, counts, strict=True))
            for number in range(count)
        ],
        batch_size=BATCH,
    )
    for row in added:
        change.touch(row.id)
    return tuple(_described(row, count) for row, count in zip(added, counts, strict=True))


def _slugs(count: int) -> list[str]:
    return [f"{PREFIX}-{number:05}" for number in range(count)]


def _name(slug: str) -> str:
    return slug.replace("-", " ").title()


def _issuer(slug: str) -> str:
    return f"https://login.{slug}.example"


def _described(row: models.Partner, count: int) -> BulkPartner:
    names = tuple(f"mapping-{number:03}" for number in range(count))
    return BulkPartner(
        id=row.id, slug=row.slug, client_id=f"{row.slug}-backend", issuer=_issuer(row.slug), mappings=names
    )


def _targets(count: int) -> list[models.Target]:
    rows = [models.Target(name=f"{PREFIX}-{number:02}", audience=audience(number)) for number in range(count)]
    targets = models.Target.objects.bulk_create(rows)
    models.Scope.objects.bulk_create(
        models.Scope(target=target, name=name, description=name) for target in targets for name in SCOPES
    )
    return targets


def _sources(partners: list[models.Partner]) -> list[models.KeySource]:
    key = ECKey.generate_key("P-256", {"kid": f"{PREFIX}-1", "use": "sig", "alg": "ES256"})
    jwks = {"keys": [key.as_dict(private=False)]}
    rows = [models.KeySource(partner=partner, method="uploaded", jwks=jwks) for partner in partners]
    return models.KeySource.objects.bulk_create(rows, batch_size=BATCH)


def _trusts(partners: list[models.Partner]) -> list[models.FederationTrust]:
    rows = [
        models.FederationTrust(
            partner=partner,
            name="login",
            issuer=_issuer(partner.slug),
            token_types=[SubjectTokenType.ACCESS_TOKEN],
            algorithms=["ES256"],
            key_source=source,
        )
        for partner, source in zip(partners, _sources(partners), strict=True)
    ]
    return models.FederationTrust.objects.bulk_create(rows, batch_size=BATCH)


def _clients(partners: list[models.Partner]) -> None:
    unusable = make_password(secrets.token_urlsafe(32))  # one for all: the toolkit would compute one for each
    rows = [
        models.Client(
            partner=partner,
            client_id=f"{partner.slug}-backend",
            client_type="confidential",
            authorization_grant_type="client-credentials",
            methods=["private_key_jwt"],
            grant_types=[GrantType.TOKEN_EXCHANGE],
            scopes=list(SCOPES),
            assertion_algorithms=["ES256"],
            key_source=source,
            client_secret=unusable,
        )
        for partner, source in zip(partners, _sources(partners), strict=True)
    ]
    models.Client.objects.bulk_create(rows, batch_size=BATCH)


def _mapping(trust: models.FederationTrust, target: models.Target, number: int) -> models.ScopeMapping:
    return models.ScopeMapping(
        partner=trust.partner,
        trust=trust,
        target=target,
        name=f"mapping-{number:03}",
        version=1,
        state="published",
        rules=[{"claim": "tier", "operator": "equals", "value": f"tier-{number}"}],
        grants={"use": list(SCOPES[:2])},
        default_scopes=[SCOPES[0]],
        allows_impersonation=True,
    )
