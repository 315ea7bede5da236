"""Partners in bulk, 25 mappings each, and tokens in bulk: what an installation has after years."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta
from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.hashers import make_password

from audit.events import SYSTEM
from exchange.protocol.request import TOKEN_EXCHANGE
from partners import models
from partners.changes import changing
from tests.bench.bodies import Exchanges
from tests.signers import Signer, make_key, public_jwks
from tests.world import ACCESS_TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

PER_PARTNER = 25
MATCHING = 4
"""The place of the mapping whose condition the tokens meet, so that each decision tries as many before it."""

ASKING = 40
"""Partners among whom the requests are spread."""

SUBJECTS = 5
"""Users of each of them."""

BATCH = 2000
CHUNK = 100_000
DAYS = 30
"""Tokens stay so long after their end: the default of HANDOVER_TOKEN_RETENTION."""


class Population:
    """Partners with a client, a trust and mappings each.

    The same two keys for all, and one hash of a secret that nobody knows in the field of the toolkit, which would
    otherwise compute one for each client.
    """

    def __init__(self, audience: str) -> None:
        self.mappings = 0
        self._audience = audience
        self._client_key, self._issuer_key = make_key("ES256"), make_key("RS256")
        self._partners: list[models.Partner] = []
        self._unusable = make_password(secrets.token_urlsafe(32))
        self._lifetimes = cycle((timedelta(minutes=4), timedelta(minutes=5)))

    def grow(self, mappings: int) -> None:
        """Add partners until there are so many mappings."""
        counts = [PER_PARTNER] * ((mappings - self.mappings) // PER_PARTNER)
        rest = (mappings - self.mappings) % PER_PARTNER
        with changing(SYSTEM) as change:
            for partner in self._add(counts + [rest] * bool(rest)):
                change.touch(partner.id)
        self.mappings = mappings

    def bodies(self, count: int) -> Iterator[bytes]:
        """Exchanges for partners from everywhere in the population, in turn."""
        step = max(1, len(self._partners) // ASKING)
        lines = [self._exchanges(partner.slug).bodies(count, subjects=SUBJECTS) for partner in self._partners[::step]]
        return islice((next(line) for line in cycle(lines)), count)

    def change_one(self) -> None:
        """A change as an admin makes one: another lifetime in one trust."""
        partner = self._partners[len(self._partners) // 2]
        with changing(SYSTEM) as change:
            change.touch(partner.id)
            models.FederationTrust.objects.filter(partner=partner).update(lifetime=next(self._lifetimes))

    def _add(self, counts: list[int]) -> list[models.Partner]:
        first = len(self._partners)
        slugs = [f"bulk-{first + number}" for number in range(len(counts))]
        added = models.Partner.objects.bulk_create(
            [models.Partner(slug=slug, name=slug.title(), state="active") for slug in slugs], batch_size=BATCH
        )
        self._add_clients(added)
        trusts = self._add_trusts(added)
        self._add_mappings(trusts, counts)
        self._partners += added
        return added

    def _sources(self, partners: list[models.Partner], jwks: dict[str, object]) -> list[models.KeySource]:
        rows = [models.KeySource(partner=partner, method="uploaded", jwks=jwks) for partner in partners]
        return models.KeySource.objects.bulk_create(rows, batch_size=BATCH)

    def _add_clients(self, partners: list[models.Partner]) -> None:
        sources = self._sources(partners, public_jwks(self._client_key))
        models.Client.objects.bulk_create(
            [
                models.Client(
                    partner=partner,
                    client_id=f"{partner.slug}-backend",
                    client_type="confidential",
                    authorization_grant_type="client-credentials",
                    methods=["private_key_jwt"],
                    grant_types=[TOKEN_EXCHANGE],
                    scopes=["ledger.read", "ledger.write"],
                    assertion_algorithms=["ES256"],
                    key_source=source,
                    client_secret=self._unusable,
                )
                for partner, source in zip(partners, sources, strict=True)
            ],
            batch_size=BATCH,
        )

    def _add_trusts(self, partners: list[models.Partner]) -> list[models.FederationTrust]:
        sources = self._sources(partners, public_jwks(self._issuer_key))
        return models.FederationTrust.objects.bulk_create(
            [
                models.FederationTrust(
                    partner=partner,
                    name="idp",
                    issuer=_issuer(partner.slug),
                    token_types=[ACCESS_TOKEN],
                    algorithms=["RS256"],
                    key_source=source,
                )
                for partner, source in zip(partners, sources, strict=True)
            ],
            batch_size=BATCH,
        )

    def _add_mappings(self, trusts: list[models.FederationTrust], counts: list[int]) -> None:
        ledger = models.Target.objects.get(name="ledger")
        models.ScopeMapping.objects.bulk_create(
            [
                models.ScopeMapping(
                    partner=trust.partner,
                    trust=trust,
                    target=ledger,
                    name=f"mapping-{number:02}",
                    version=1,
                    state="published",
                    rules=[{"claim": "tier", "operator": "equals", "value": _tier(number)}],
                    grants={"settle:write": ["ledger.read", "ledger.write"]},
                    allows_impersonation=True,
                )
                for trust, count in zip(trusts, counts, strict=True)
                for number in range(count)
            ],
            batch_size=BATCH,
        )

    def _exchanges(self, slug: str) -> Exchanges:
        client, idp = Signer(f"{slug}-backend", self._client_key), Signer(_issuer(slug), self._issuer_key)
        return Exchanges(self._audience, client, idp)


def _issuer(slug: str) -> str:
    return f"https://idp.{slug}.example"


def _tier(number: int) -> str:
    return "gold" if number == MATCHING else f"tier-{number}"


def fill(connection: psycopg.Connection[object], tokens: int) -> None:
    """Issued tokens and their families by COPY, spread over the time that rows are kept; then what a night does."""
    now, random = time.time(), Random(tokens)
    step = DAYS * 86400 / max(tokens, 1)
    for first in range(0, tokens, CHUNK):
        instants = [now - DAYS * 86400 + step * number for number in range(first, min(first + CHUNK, tokens))]
        families = [_identifier(instant, random) for instant in instants]
        with connection.cursor().copy(FAMILIES) as copy:
            copy.write("".join(map(_family, families, instants)))
        with connection.cursor().copy(TOKENS) as copy:
            copy.write(
                "".join(
                    _token(_identifier(at, random), family, at) for family, at in zip(families, instants, strict=True)
                )
            )
    connection.execute("VACUUM (ANALYZE) exchange_tokenfamily, exchange_issuedtoken")
    connection.execute("CHECKPOINT")


FAMILIES = """COPY exchange_tokenfamily
    (id, root_issuer, root_token_id, subject, created_at, expires_at, revoked_reason) FROM STDIN"""
TOKENS = """COPY exchange_issuedtoken
    (id, family_id, event_id, depth, client_id, kid, subject, audience, scope, issued_at, expires_at) FROM STDIN"""
CLIENT = UUID(int=1)


def _identifier(instant: float, random: Random) -> str:
    """A UUIDv7 of that instant (RFC 9562 section 5.7)."""
    value = int(instant * 1000) << 80 | 7 << 76 | random.getrandbits(12) << 64 | 2 << 62 | random.getrandbits(62)
    return f"{value:032x}"


def _family(family: str, instant: float) -> str:
    times = f"{_instant(instant)}\t{_instant(instant + 300)}"
    return f"{family}\thttps://idp.bulk.example\t{family}\tpartner:bulk:user-{family[-4:]}\t{times}\t\n"


def _token(token: str, family: str, instant: float) -> str:
    times = f"{_instant(instant)}\t{_instant(instant + 300)}"
    who = f"{CLIENT}\tkey-of-the-time\tpartner:bulk:user-{family[-4:]}"
    return f"{token}\t{family}\t{token}\t0\t{who}\t{{https://ledger.meridian.example}}\tledger.read\t{times}\n"


def _instant(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(seconds))
